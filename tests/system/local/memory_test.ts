/** What only the start needed of the executable leaves the resident memory, and the program goes on. */

import assert from "node:assert/strict";
import { until } from "../until.ts";
import { routerTest, tableOf } from "./router.ts";

routerTest(
  "pages of the executable that only the start needed are left, and routes go on being written",
  async (router) => {
    await router.announce(["10.20.0.0/16", "10.21.0.0/16"]);
    const run = router.start();
    await router.untilTable(tableOf(["10.20.0.0/16", "10.21.0.0/16"]));
    const before = await executablePages(run.pid);
    await until("half of the executable's pages are left", async () => {
      const { code, head } = await executablePages(run.pid);
      return code + head < (before.code + before.head) / 2;
    });
    assert.ok(before.code > 0 && before.head > 0);
    // What was copied on write is in no file.
    assert.ok((await executablePages(run.pid)).copied >= before.copied);
    await router.announce(["10.22.0.0/16"]);
    await router.withdraw(["10.20.0.0/16"]);
    await router.untilTable(tableOf(["10.21.0.0/16", "10.22.0.0/16"]));
    const { code } = await router.command("explain", "10.22.0.0/16");
    assert.equal(code, 0);
    assert.equal((await run.stop()).code, 0);
  },
);

/** Kilobytes of the executable in a process's page table: code, what lies at its head, and copied pages of its data. */
async function executablePages(pid: number): Promise<{ code: number; head: number; copied: number }> {
  const sum = { code: 0, head: 0, copied: 0 };
  for (const mapping of (await Deno.readTextFile(`/proc/${pid}/smaps`)).split(/^(?=[0-9a-f]+-)/m)) {
    const [first = ""] = mapping.split("\n", 1);
    if (!first.endsWith("/cloudroutesync")) continue;
    const kilobytes = (name: string): number =>
      Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(mapping)?.[1]);
    const [, permissions = "", offset = ""] = first.split(" ");
    if (permissions === "r-xp") sum.code += kilobytes("Rss");
    if (permissions === "r--p" && /^0+$/.test(offset)) sum.head += kilobytes("Rss");
    sum.copied += kilobytes("Anonymous");
  }
  return sum;
}
