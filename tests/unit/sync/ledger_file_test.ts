/** The ledger's file on a real disk. */

import assert from "node:assert/strict";
import { ledgerFile, wasBegun } from "../../../src/sync/ledger_file.ts";
import { Ledger } from "../../../src/sync/ledger.ts";

const header = { cloud: "aws", table: "rtb-1", owner: "cloudroutesync" };
const entry = { prefix: "198.51.100.0/24", nextHops: ["eni-1"] };

/** Runs a test in a folder of its own. */
async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "ledger" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function names(folder: string): Promise<readonly string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

Deno.test("ledgerFile() reads nothing where there is no file, and creates none", async () => {
  await inFolder(async (folder) => {
    assert.equal(await ledgerFile(`${folder}/l.jsonl`).read(), null);
    assert.deepEqual(await names(folder), []);
  });
});

Deno.test("ledgerFile() appends and replaces, for its owner's eyes only", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/l.jsonl`;
    const store = ledgerFile(path);
    await store.replace("one\n");
    await store.append("two\n");
    assert.equal(await store.read(), "one\ntwo\n");
    await store.replace("three\n");
    assert.equal(await store.read(), "three\n");
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    assert.deepEqual(await names(folder), ["l.jsonl"]);
  });
});

Deno.test("wasBegun() knows of a ledger that is lost, and of none that only might have been", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/l.jsonl`;
    await Deno.writeTextFile(`${folder}/l.lock`, "1\n");
    const { ledger } = await Ledger.open(ledgerFile(path), header);
    assert.equal(await wasBegun(path), false);
    await ledger.begin(new Map());
    await Ledger.open(ledgerFile(path), header);
    await Deno.remove(path);
    assert.equal(await wasBegun(path), true);
    assert.equal(((await Deno.stat(`${path}.begun`)).mode ?? 0) & 0o777, 0o600);
  });
});

Deno.test("ledgerFile() keeps every file it sets aside", async () => {
  await inFolder(async (folder) => {
    const store = ledgerFile(`${folder}/l.jsonl`);
    const first = await store.setAside("first");
    const second = await store.setAside("second");
    assert.deepEqual([await Deno.readTextFile(first), await Deno.readTextFile(second)], ["first", "second"]);
    assert.deepEqual(await names(folder), ["l.jsonl.set-aside.1", "l.jsonl.set-aside.2"]);
  });
});

Deno.test("a crash between the new file and its rename leaves the old ledger as it was", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/l.jsonl`;
    const { ledger } = await Ledger.open(ledgerFile(path), header);
    await ledger.begin(new Map());
    await ledger.claim([entry]);
    for (
      const halfMade of ["", '{"ledger":"cloudroutesync","ver', (await Deno.readTextFile(path)) + "more\n"]
    ) {
      await Deno.writeTextFile(`${path}.new`, halfMade);
      const again = await Ledger.open(ledgerFile(path), header);
      assert.equal(again.warning, null);
      assert.deepEqual([...again.ledger.claims.keys()], [entry.prefix]);
    }
    const { ledger: last } = await Ledger.open(ledgerFile(path), header);
    await last.begin(new Map(last.claims));
    assert.deepEqual(
      await names(folder),
      ["l.jsonl", "l.jsonl.begun"],
      "the next rewriting takes the leftover along",
    );
  });
});

Deno.test("a crash in the middle of an append loses that append only, and keeps its half line for people", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/l.jsonl`;
    const { ledger } = await Ledger.open(ledgerFile(path), header);
    await ledger.begin(new Map());
    await ledger.claim([entry]);
    const whole = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, '{"claim":"192.0', { append: true });
    const again = await Ledger.open(ledgerFile(path), header);
    assert.deepEqual([...again.ledger.claims.keys()], [entry.prefix]);
    assert.equal(await Deno.readTextFile(path), whole);
    assert.equal(await Deno.readTextFile(`${path}.set-aside.1`), '{"claim":"192.0');
  });
});

Deno.test("a ledger whose folder cannot be made cannot be written, and says so", async () => {
  await inFolder(async (folder) => {
    const { ledger } = await Ledger.open(ledgerFile(`${folder}/absent/l.jsonl`), header);
    await Deno.writeTextFile(`${folder}/absent`, "");
    await assert.rejects(ledger.begin(new Map()), {
      name: "LedgerError",
      message: /^Cannot write the ledger \/.*absent\/l\.jsonl: file exists$/,
    });
  });
});

/** What may happen to a ledger in use. */
const losses: Readonly<Record<string, (folder: string) => Promise<void>>> = {
  "is deleted": (folder) => Deno.remove(`${folder}/state/l.jsonl`),
  "is deleted with its folder": (folder) => Deno.remove(`${folder}/state`, { recursive: true }),
  "is replaced": async (folder) => {
    await Deno.writeTextFile(`${folder}/other`, "{}\n");
    await Deno.rename(`${folder}/other`, `${folder}/state/l.jsonl`);
  },
};

for (const [loss, lose] of Object.entries(losses)) {
  Deno.test(`a ledger that ${loss} while in use is written anew at the next write, whole, and it is told`, async () => {
    await inFolder(async (folder) => {
      const path = `${folder}/state/l.jsonl`;
      let told = 0;
      const { ledger } = await Ledger.open(ledgerFile(path), header, () => void told++);
      await ledger.begin(new Map());
      await ledger.confirm([entry]);
      await lose(folder);
      const second = { prefix: "203.0.113.0/24", nextHops: ["eni-2"] };
      await ledger.claim([second]);
      await ledger.release(["192.0.2.0/24"]);
      assert.equal(told, 1);
      const again = await Ledger.open(ledgerFile(path), header);
      assert.deepEqual([again.warning, again.ledger.lost], [null, false]);
      assert.deepEqual([...again.ledger.claims], [
        [entry.prefix, { nextHops: entry.nextHops, confirmed: true }],
        [second.prefix, { nextHops: second.nextHops, confirmed: false }],
      ]);
      assert.equal(await wasBegun(path), true);
    });
  });
}

Deno.test("a claim that could not be written anew is none, and is made at the next try", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/state/l.jsonl`;
    const { ledger } = await Ledger.open(ledgerFile(path), header);
    await ledger.begin(new Map());
    await Deno.remove(`${folder}/state`, { recursive: true });
    await Deno.symlink("nowhere/state", `${folder}/state`);
    await assert.rejects(ledger.claim([entry]), { name: "LedgerError" });
    assert.deepEqual([...ledger.claims], []);
    await Deno.remove(`${folder}/state`);
    await ledger.claim([entry]);
    assert.deepEqual([...(await Ledger.open(ledgerFile(path), header)).ledger.claims.keys()], [entry.prefix]);
  });
});
