import assert from "node:assert/strict";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";
import { type Metadata, readMetadata } from "../../../../src/clouds/openstack/metadata.ts";
import { testTransport } from "../../../fakes/cloud_options.ts";

const meta = { uuid: "u1", name: "vm" };
const network = { links: [{ vif_id: "p1" }, { vif_id: null }] };

async function read(
  served: Readonly<Record<string, unknown>>,
  files: Readonly<Record<string, string>>,
): Promise<Metadata> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const found = served[new URL(request.url).pathname];
    return found === undefined ? new Response("", { status: 404 }) : Response.json(found);
  });
  return await readMetadata({
    transport: testTransport,
    endpoint: `http://127.0.0.1:${server.addr.port}`,
    devices: () => [],
    readFile: (path) => files[path] ?? null,
  }, new AbortController().signal);
}

const drive = {
  "/mnt/config/openstack/latest/meta_data.json": JSON.stringify({ uuid: "u2" }),
  "/mnt/config/openstack/latest/network_data.json": JSON.stringify({ links: [{ vif_id: "p2" }] }),
};

Deno.test("readMetadata() prefers the service to a mounted config drive", async () => {
  const served = { "/openstack/latest/meta_data.json": meta, "/openstack/latest/network_data.json": network };
  assert.deepEqual(await read(served, drive), { instance: "vm (u1)", portIds: ["p1"] });
});

Deno.test("readMetadata() reads a mounted config drive where there is no service", async () => {
  assert.deepEqual(await read({}, drive), { instance: "u2", portIds: ["p2"] });
});

Deno.test("readMetadata() says how to mount the config drive where neither answers", async () => {
  await assert.rejects(read({}, {}), (error) => {
    assert.ok(error instanceof CloudError);
    assert.match(
      error.message,
      /meta_data.json: it answered 404; no config drive .*by-label\/config-2 \/mnt\/config/,
    );
    return true;
  });
});

Deno.test("readMetadata() does not take a config drive for a service that makes no sense", async () => {
  const served = { "/openstack/latest/meta_data.json": "x", "/openstack/latest/network_data.json": network };
  await assert.rejects(read(served, drive), /Cannot read .*meta_data.json: the answer is not as documented/);
});
