/** `bundle FILE`: one file with all that a report needs. */

import assert from "node:assert/strict";
import { routerTest, tableOf } from "./router.ts";

const prefix = "198.51.100.0/24";

routerTest(
  "bundle writes version, status, settings, the log's last lines and doctor's findings",
  async (router) => {
    await router.announce([prefix]);
    router.start("-hold", "1h");
    await router.untilTable(tableOf([prefix]));
    const path = `${router.folder}/report.txt`;
    const { code, stdout, stderr } = await router.command(`bundle ${path}`);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^Wrote .*report\.txt: version, status, last log lines, settings of this command, doctor$/m,
    );
    const report = await Deno.readTextFile(path);
    assert.match(report, /^== version\ncloudroutesync \S+ \(deno /m);
    assert.match(report, /^== status\nok since /m);
    assert.match(
      report,
      /^== last log lines\n\d{4}-.* Keeping local in step .*\n(.*\n)*.* add 198\.51\.100\.0\/24 in /m,
    );
    assert.match(report, /^-hold 1h \(from the running service/m);
    assert.match(report, /^== doctor\n\[ok\] +IPv4 forwarding: /m);
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  },
);

routerTest("bundle overwrites nothing, and says why it cannot write", async (router) => {
  const path = `${router.folder}/mine`;
  await Deno.writeTextFile(path, "mine");
  const { code, stderr } = await router.command(`bundle ${path}`);
  assert.equal(code, 1);
  assert.match(stderr, /^cloudroutesync: Cannot write .*mine: there is such a file; name a new one$/m);
  assert.equal(await Deno.readTextFile(path), "mine");
  const nowhere = await router.command(`bundle ${router.folder}/none/report`);
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.stderr, /^cloudroutesync: Cannot write .*none\/report: no such file or directory$/m);
});

routerTest("bundle says that a full disk took no report", async (router) => {
  const disk = `${router.folder}/disk`;
  await router.namespace.must(["mkdir", disk]);
  await router.namespace.must(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk]);
  await router.namespace.run(["dd", "if=/dev/zero", `of=${disk}/ballast`, "bs=1k"]);
  const { code, stdout, stderr } = await router.command(`bundle ${disk}/report`);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
  assert.match(stderr, /^cloudroutesync: Cannot write .*report: no space left on device$/m);
});

routerTest("bundle is written though no service runs and the cloud cannot be read", async (router) => {
  await Deno.writeTextFile(router.file, "{garbage");
  const path = `${router.folder}/report.txt`;
  const { code, stderr } = await router.command(`bundle ${path}`);
  assert.equal(code, 0, stderr);
  const report = await Deno.readTextFile(path);
  assert.match(report, /^== status\nnot running: nobody listens/m);
  assert.match(report, /^== last log lines\nthe service does not run: .*journalctl -u cloudroutesync/m);
  assert.match(report, /^\[bad\] +local file: .*is not valid JSON/m);
});

routerTest("bundle - prints the report and writes no file", async (router) => {
  await router.announce([prefix]);
  const { code, stdout, stderr } = await router.command("bundle -");
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^cloudroutesync bundle of \d{4}-/);
  assert.match(stdout, /^== doctor\n\[ok\] +IPv4 forwarding: /m);
  assert.doesNotMatch(stdout, /^Wrote /m);
  await assert.rejects(Deno.stat(`${router.folder}/-`), Deno.errors.NotFound);
});
