import assert from "node:assert/strict";
import { askService } from "../../../src/cli/service/service_client.ts";
import { inTemporaryFolder } from "../../fakes/temporary_folder.ts";

Deno.test("askService() names no host, so that a VM without DNS waits for none", async () => {
  await inTemporaryFolder(async (folder) => {
    const path = `${folder}/s.sock`;
    const server = Deno.serve(
      { path, onListen: () => {} },
      (request) => Response.json({ host: request.headers.get("host") }),
    );
    assert.deepEqual(await askService(path, "GET /status"), { running: true, body: { host: "127.0.0.1" } });
    await server.shutdown();
  });
});

Deno.test("askService() says that nobody listens where there is no socket", async () => {
  await inTemporaryFolder(async (folder) => {
    const answer = await askService(`${folder}/none.sock`, "GET /status");
    assert.ok(!answer.running);
    assert.deepEqual([answer.state, answer.why], ["not running", "nobody listens on its socket"]);
    assert.match(answer.remedy, /^Start it with: systemctl start cloudroutesync\./);
  });
});
