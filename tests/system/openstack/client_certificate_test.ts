/** A Keystone and Neutron that let in only who shows a certificate that they know. */

import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { NeutronAccess } from "../../../src/clouds/openstack/access.ts";
import { makeCertificates, makeClientCertificate, opensslMissing } from "../../fakes/certificates.ts";
import { openstackOptions } from "../../fakes/openstack/options.ts";
import { skips } from "../../needs.ts";

Deno.test({
  name: "OS_CERT and OS_KEY show who calls, to Keystone and to Neutron",
  ignore: skips(opensslMissing()),
  async fn(): Promise<void> {
    const folder = await Deno.makeTempDir();
    const { authorityFile, certificate, key } = await makeCertificates(folder);
    const shown = await makeClientCertificate(folder);
    const ca = await Deno.readTextFile(shown);
    const options = { cert: certificate, key, ca, requestCert: true, rejectUnauthorized: true };
    const served: string[] = [];
    const server = createServer(options, (request, response) => {
      served.push(`${request.method} ${request.url}`);
      const { port } = server.address() as AddressInfo;
      const isLogin = request.url === "/v3/auth/tokens";
      response.writeHead(isLogin ? 201 : 200, { "x-subject-token": "t", "content-type": "application/json" });
      response.end(JSON.stringify(isLogin ? token(port) : { extensions: [{ alias: "extraroute" }] }));
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const environment = {
      OS_AUTH_URL: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
      OS_APPLICATION_CREDENTIAL_ID: "id",
      OS_APPLICATION_CREDENTIAL_SECRET: "secret",
      OS_CACERT: authorityFile,
    };
    const { signal } = new AbortController();
    const extensions = async (more: Readonly<Record<string, string>>): Promise<ReadonlySet<string>> => {
      const access = new NeutronAccess(openstackOptions({ ...environment, ...more }));
      return await (await access.neutron(signal)).extensions(signal);
    };
    await assert.rejects(
      extensions({}),
      (error) => error instanceof CloudError && error.kind === "unavailable",
    );
    assert.deepEqual(served, []);
    const found = await extensions({ OS_CERT: `${folder}/client.pem`, OS_KEY: `${folder}/client.key` });
    assert.deepEqual([...found], ["extraroute"]);
    assert.equal(served.length, 2);
    await extensions({ OS_CERT: shown });
    await new Promise((closed) => server.close(closed));
    await Deno.remove(folder, { recursive: true });
  },
});

function token(port: number): unknown {
  const endpoint = { interface: "public", region_id: "one", url: `https://127.0.0.1:${port}` };
  return {
    token: {
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
      project: { id: "p1" },
      catalog: [{ type: "network", endpoints: [endpoint] }],
    },
  };
}
