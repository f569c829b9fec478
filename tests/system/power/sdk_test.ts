/** Each cloud's SDK makes its first call with the permissions that the compiled program leaves it, and with no others. */

import assert from "node:assert/strict";
import { compile } from "../../../.ci/compile.ts";

const probe = new URL("sdk_probe.ts", import.meta.url).pathname;

/** What EC2 answers to DescribeRouteTables. */
const routeTables = `<DescribeRouteTablesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
<routeTableSet><item><routeTableId>rtb-1</routeTableId></item></routeTableSet></DescribeRouteTablesResponse>`;

const azureToken = {
  access_token: "token-of-azure",
  expires_in: "3600",
  expires_on: "4102444800",
  resource: "https://management.azure.com/",
  token_type: "Bearer",
};
const googleToken = { access_token: "token-of-google", expires_in: 3600, token_type: "Bearer" };

/** All three clouds' services at one address. */
function answer(request: Request): Response {
  const { pathname } = new URL(request.url);
  const headers = { "metadata-flavor": "Google" };
  if (pathname.startsWith("/metadata/identity")) return Response.json(azureToken);
  if (pathname.includes("/service-accounts/")) return Response.json(googleToken, { headers });
  return new Response(routeTables, { headers: { "content-type": "text/xml" } });
}

const expected = { aws: "rtb-1", azure: "token-of-azure", gcp: "token-of-google" };

Deno.test("narrowToSettings() leaves each SDK what it needs", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "least-power-" });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  const authority = `127.0.0.1:${server.addr.port}`;
  try {
    const executable = `${folder}/probe`;
    await compile({ entry: probe, output: executable, target: `${Deno.build.arch}-unknown-linux-gnu` });
    for (const [cloud, result] of Object.entries(expected)) {
      await t.step(cloud, async () => {
        const { stdout, stderr } = await new Deno.Command(executable, {
          args: [cloud, folder],
          clearEnv: true,
          env: {
            HOME: folder,
            AWS_REGION: "eu-west-1",
            AWS_ACCESS_KEY_ID: "key",
            AWS_SECRET_ACCESS_KEY: "secret",
            AWS_ENDPOINT_URL: `http://${authority}`,
            AZURE_POD_IDENTITY_AUTHORITY_HOST: `http://${authority}`,
            GCE_METADATA_HOST: authority,
          },
        }).output();
        const decoder = new TextDecoder();
        assert.equal(decoder.decode(stdout).trim(), result, decoder.decode(stderr));
      });
    }
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
});
