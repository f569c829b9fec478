/** Where ledgers and locks lie, and that a table has one keeper an owner. */

import assert from "node:assert/strict";
import { openLibc } from "../../../ffi/libc.ts";
import {
  SecondInstanceError,
  stateFolder,
  StateFolderError,
  TableKeeper,
} from "../../../src/cli/state_folder.ts";
import type { CloudName, CloudTable, CloudTraits } from "../../../src/clouds/cloud.ts";
import { settingsOf } from "../../fakes/command_lines.ts";
import { inTemporaryFolder } from "../../fakes/temporary_folder.ts";
import { plainTraits } from "../../fakes/comparisons.ts";

const libc = openLibc();
const table: CloudTable = { id: "rtb-1", name: "rtb-1", ours: false };

function keeper(
  folder: string,
  { owner = "cloudroutesync", name = "aws" as CloudName, ownership = "ledger" as CloudTraits["ownership"] } =
    {},
): TableKeeper {
  const traits: CloudTraits = { ...plainTraits, ownership };
  return new TableKeeper(libc, { name, traits }, settingsOf(`-owner ${owner}`), folder);
}

/** The path of the only ledger in a folder. */
async function ledgerIn(folder: string): Promise<string> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  const [file, ...others] = names.filter((name) => name.endsWith(".jsonl"));
  assert.ok(file !== undefined && others.length === 0, names.join());
  return `${folder}/${file}`;
}

Deno.test("stateFolder() is -state, else systemd's first folder, else /var/lib/cloudroutesync", () => {
  const of = (text: string, systemd?: string): string => stateFolder(settingsOf(text), () => systemd);
  assert.equal(of("-state /a", "/b"), "/a");
  assert.equal(of("", "/b:/c"), "/b");
  assert.equal(of("", ""), "/var/lib/cloudroutesync");
  assert.equal(of(""), "/var/lib/cloudroutesync");
});

Deno.test("TableKeeper.open() gives a lost ledger first, and one that is proven the next time", async () => {
  await inTemporaryFolder(async (folder) => {
    {
      using first = keeper(`${folder}/made/when/needed`);
      const use = await first.open(table);
      assert.deepEqual([use?.ledger.lost, use?.proven], [true, false]);
      await use?.ledger.begin(new Map([["10.0.0.0/8", { nextHops: ["eni-1"], confirmed: true }]]));
    }
    using second = keeper(`${folder}/made/when/needed`);
    const again = await second.open(table);
    assert.deepEqual([again?.ledger.lost, again?.proven], [false, true]);
    assert.deepEqual([...again?.ledger.claims.keys() ?? []], ["10.0.0.0/8"]);
  });
});

Deno.test("TableKeeper.open() proves nothing by a run that ended before it began a ledger", async () => {
  await inTemporaryFolder(async (folder) => {
    for (let run = 1; run <= 2; run++) {
      using ended = keeper(folder);
      const use = await ended.open(table);
      assert.deepEqual([use?.ledger.lost, use?.proven], [true, false], `run ${run}`);
      assert.equal((await ended.peek(table))?.proven, false);
    }
  });
});

Deno.test("TableKeeper.open() knows by its sign that a lost ledger was begun once", async () => {
  await inTemporaryFolder(async (folder) => {
    {
      using first = keeper(folder);
      await (await first.open(table))?.ledger.begin(new Map());
    }
    await Deno.remove(await ledgerIn(folder));
    using second = keeper(folder);
    const use = await second.open(table);
    assert.deepEqual([use?.ledger.lost, use?.proven], [true, true]);
    assert.equal((await second.peek(table))?.proven, true);
  });
});

Deno.test("TableKeeper.open() leaves the sign beside a ledger of a version that left none", async () => {
  await inTemporaryFolder(async (folder) => {
    {
      using first = keeper(folder);
      await (await first.open(table))?.ledger.begin(new Map());
    }
    const file = await ledgerIn(folder);
    await Deno.remove(`${file}.begun`);
    {
      using upgraded = keeper(folder);
      assert.equal((await upgraded.open(table))?.ledger.lost, false);
    }
    await Deno.remove(file);
    using last = keeper(folder);
    assert.equal((await last.open(table))?.proven, true);
  });
});

Deno.test("TableKeeper.open() refuses a second instance and names the other's process", async () => {
  await inTemporaryFolder(async (folder) => {
    using first = keeper(folder);
    await first.open(table);
    using second = keeper(folder);
    await assert.rejects(second.open(table), (error: unknown) => {
      assert.ok(error instanceof SecondInstanceError);
      assert.equal(
        error.message,
        `Cannot keep table rtb-1 in step: process ${Deno.pid} does so already for owner cloudroutesync; ` +
          "stop that process first; two that are to run side by side need an -owner each",
      );
      return true;
    });
  });
});

Deno.test("TableKeeper.open() lets other owners, tables and clouds alone", async () => {
  await inTemporaryFolder(async (folder) => {
    using first = keeper(folder);
    await first.open(table);
    await first.open({ ...table, id: "rtb-2" });
    await first.open({ ...table, id: "account-a/rtb-1" });
    await first.open({ ...table, id: "account-b/rtb-1" });
    using owner = keeper(folder, { owner: "other" });
    await owner.open(table);
    using cloud = keeper(folder, { name: "openstack" });
    await cloud.open(table);
    const files = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    assert.equal(files.filter((name) => name.endsWith(".lock")).length, 6);
  });
});

Deno.test("TableKeeper.open() keeps no ledger where routes carry marks, but locks all the same", async () => {
  await inTemporaryFolder(async (folder) => {
    using first = keeper(folder, { ownership: "mark" });
    assert.equal(await first.open(table), null);
    using second = keeper(folder, { ownership: "mark" });
    await assert.rejects(second.open(table), SecondInstanceError);
  });
});

Deno.test("TableKeeper.open() cannot do without a folder where the ledger proves ownership, and can where marks do", async () => {
  await inTemporaryFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    using ledger = keeper(`${folder}/file`);
    await assert.rejects(ledger.open(table), (error: unknown) => {
      assert.ok(error instanceof StateFolderError);
      assert.equal(error.heals, false);
      assert.match(
        error.message,
        /^Cannot use the state folder .*\/file for table rtb-1: it is not a folder; name another folder with -state$/,
      );
      return true;
    });
    using mark = keeper(`${folder}/file`, { ownership: "mark" });
    assert.equal(await mark.open(table), null);
  });
});

Deno.test("TableKeeper.open() sets a foreign ledger aside and goes on with a lost one", async () => {
  await inTemporaryFolder(async (folder) => {
    {
      using first = keeper(folder);
      await (await first.open(table))?.ledger.begin(new Map());
    }
    const file = await ledgerIn(folder);
    await Deno.writeTextFile(file, "rubbish\n");
    using second = keeper(folder);
    assert.equal((await second.open(table))?.ledger.lost, true);
    assert.equal(await Deno.readTextFile(`${file}.set-aside.1`), "rubbish\n");
  });
});

Deno.test("TableKeeper.peek() neither locks nor writes", async () => {
  await inTemporaryFolder(async (folder) => {
    using reader = keeper(folder);
    assert.deepEqual([(await reader.peek(table))?.ledger.lost, (await reader.peek(table))?.proven], [
      true,
      false,
    ]);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
    using first = keeper(folder);
    const use = await first.open(table);
    await use?.ledger.begin(new Map([["10.0.0.0/8", { nextHops: ["eni-1"], confirmed: true }]]));
    const seen = await reader.peek(table);
    assert.deepEqual([seen?.ledger.claims.size, seen?.proven], [1, true]);
  });
});
