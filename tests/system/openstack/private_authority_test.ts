/** A Keystone and Neutron whose certificate a private authority has signed, as private clouds have them. */

import assert from "node:assert/strict";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import type { HttpAnswer } from "../../../src/clouds/http.ts";
import { Session } from "../../../src/clouds/openstack/session.ts";
import { readSettings } from "../../../src/clouds/openstack/credentials.ts";
import { makeCertificates, opensslMissing } from "../../fakes/certificates.ts";
import { skips } from "../../needs.ts";
import { testTransport } from "../../fakes/cloud_options.ts";

Deno.test({
  name: "OS_CACERT makes a private authority trusted, and without it nothing is sent",
  ignore: skips(opensslMissing()),
  async fn(): Promise<void> {
    const folder = await Deno.makeTempDir();
    const { authorityFile, certificate, key } = await makeCertificates(folder);
    let logins = 0;
    const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert: certificate, key, onListen: () => {} },
      (request): Response => {
        const { pathname } = new URL(request.url);
        if (pathname === "/v3/auth/tokens") {
          logins++;
          return token(server.addr.port);
        }
        if (pathname === "/v2.0/quotas/p1") return Response.json({ quota: { router_route: 30 } });
        return Response.json({
          router: { id: "r1", name: "r1", project_id: "p1", revision_number: 7, routes: [] },
        });
      },
    );
    const environment = {
      OS_AUTH_URL: `https://127.0.0.1:${server.addr.port}`,
      OS_APPLICATION_CREDENTIAL_ID: "id",
      OS_APPLICATION_CREDENTIAL_SECRET: "secret",
    };
    const { signal } = new AbortController();
    const read = (variables: Readonly<Record<string, string>>): Promise<HttpAnswer> => {
      const settings = readSettings(null, {
        environment: (name) => variables[name],
        readFile: (path) => Deno.readTextFileSync(path),
      });
      assert.ok(!("profileUrl" in settings));
      return new Session(settings, testTransport).call({
        action: "read router r1",
        path: "routers/r1",
        signal,
      });
    };
    await assert.rejects(read(environment), (error) => {
      assert.ok(error instanceof CloudError);
      assert.equal(error.kind, "unavailable");
      return true;
    });
    assert.equal(logins, 0);
    const answer = await read({ ...environment, OS_CACERT: authorityFile });
    assert.equal(answer.status, 200);
    assert.equal(logins, 1);
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  },
});

function token(port: number): Response {
  const endpoint = { interface: "public", region_id: "one", url: `https://127.0.0.1:${port}` };
  const body = {
    token: {
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
      project: { id: "p1" },
      catalog: [{ type: "network", endpoints: [endpoint] }],
    },
  };
  return Response.json(body, { status: 201, headers: { "x-subject-token": "t" } });
}
