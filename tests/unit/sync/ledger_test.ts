/** The ledger: what survives a crash, and what is never trusted. */

import assert from "node:assert/strict";
import { Ledger, LedgerError } from "../../../src/sync/ledger.ts";
import type { LedgerHeader } from "../../../src/sync/ledger_text.ts";
import { FaultyStore } from "../../fakes/ledger_stores.ts";

const header: LedgerHeader = { cloud: "aws", table: "rtb-1", owner: "cloudroutesync" };
const headerLine =
  '{"ledger":"cloudroutesync","version":1,"cloud":"aws","table":"rtb-1","owner":"cloudroutesync"}\n';
const one = { prefix: "198.51.100.0/24", nextHops: ["eni-1"] };
const two = { prefix: "192.0.2.0/24", nextHops: ["eni-1", "eni-2"] };

/** A ledger that has been begun, and its store. */
async function begun(): Promise<{ ledger: Ledger; store: FaultyStore }> {
  const store = new FaultyStore();
  const { ledger } = await Ledger.open(store, header);
  await ledger.begin(new Map());
  return { ledger, store };
}

/** The claims as `prefix nexthops confirmed`, as the next start would read them. */
async function readBack(store: FaultyStore): Promise<readonly string[]> {
  return claimsOf((await Ledger.open(store, header)).ledger);
}

function claimsOf(ledger: Ledger): readonly string[] {
  return [...ledger.claims].map(([prefix, { nextHops, confirmed }]) =>
    `${prefix} ${nextHops.join()} ${confirmed ? "confirmed" : "claimed"}`
  );
}

Deno.test("Ledger.open() of nothing is lost, and writes nothing", async () => {
  const store = new FaultyStore();
  const { ledger, warning } = await Ledger.open(store, header);
  assert.deepEqual([ledger.lost, ledger.claims.size, warning, store.content], [true, 0, null, null]);
});

Deno.test("Ledger begins with a header and the claims it is given", async () => {
  const store = new FaultyStore();
  const { ledger } = await Ledger.open(store, header);
  await ledger.begin(new Map([[one.prefix, { nextHops: one.nextHops, confirmed: true }]]));
  assert.equal(ledger.lost, false);
  assert.equal(store.content, `${headerLine}{"confirm":"198.51.100.0/24","nextHops":["eni-1"]}\n`);
});

Deno.test("Ledger writes a claim before it counts, one line an event, and reads all of it back", async () => {
  const { ledger, store } = await begun();
  await ledger.claim([one, two]);
  assert.deepEqual(claimsOf(ledger), ["198.51.100.0/24 eni-1 claimed", "192.0.2.0/24 eni-1,eni-2 claimed"]);
  await ledger.confirm([one]);
  await ledger.release([two.prefix]);
  assert.equal(
    store.content,
    headerLine +
      '{"claim":"198.51.100.0/24","nextHops":["eni-1"]}\n{"claim":"192.0.2.0/24","nextHops":["eni-1","eni-2"]}\n' +
      '{"confirm":"198.51.100.0/24","nextHops":["eni-1"]}\n{"release":"192.0.2.0/24"}\n',
  );
  assert.deepEqual(await readBack(store), ["198.51.100.0/24 eni-1 confirmed"]);
});

Deno.test("Ledger writes many claims a part at a time, so that the event loop turns in between, and all of them before it returns", async () => {
  const { ledger, store } = await begun();
  const many = Array.from(
    { length: 10_000 },
    (_, index) => ({ prefix: `10.0.${index}.0/24`, nextHops: ["eni-1"] }),
  );
  await ledger.claim(many);
  assert.equal(store.appends, 3);
  assert.equal((await readBack(store)).length, many.length);
  await ledger.release(many.map(({ prefix }) => prefix));
  assert.deepEqual(await readBack(store), []);
});

Deno.test("Ledger makes no write where there is no news", async () => {
  const { ledger, store } = await begun();
  await ledger.confirm([one]);
  const appends = store.appends;
  await ledger.confirm([one]);
  await ledger.confirm([]);
  await ledger.claim([]);
  await ledger.release(["203.0.113.0/24"]);
  assert.equal(store.appends, appends);
});

Deno.test("Ledger takes a claim of a confirmed prefix for unconfirmed until it is seen", async () => {
  const { ledger, store } = await begun();
  await ledger.confirm([one]);
  await ledger.claim([{ ...one, nextHops: ["eni-1", "eni-9"] }]);
  assert.deepEqual(await readBack(store), ["198.51.100.0/24 eni-1,eni-9 claimed"]);
});

Deno.test("Ledger.open() sets a torn last line aside and keeps what is whole", async () => {
  const { ledger, store } = await begun();
  await ledger.claim([one]);
  store.content += '{"claim":"192.0.2.0/24","nex';
  const again = await Ledger.open(store, header);
  assert.equal(again.ledger.lost, false);
  assert.match(
    again.warning ?? "",
    /^The ledger's last line is torn; it was set aside as ledger\.set-aside\.1$/,
  );
  assert.deepEqual(store.setAsides, ['{"claim":"192.0.2.0/24","nex']);
  assert.deepEqual(claimsOf(again.ledger), ["198.51.100.0/24 eni-1 claimed"]);
  await again.ledger.claim([two]);
  assert.equal((await readBack(store)).length, 2, "the next line does not join the torn one");
});

Deno.test("Ledger.open() does not trust a last line without its line feed, be it ever so whole", async () => {
  const store = new FaultyStore(
    `${headerLine}{"release":"198.51.100.0/24"}\n{"claim":"192.0.2.0/24","nextHops":[]}`,
  );
  assert.deepEqual(await readBack(store), []);
  assert.equal(store.setAsides.length, 1);
});

const untrusted: readonly (readonly [string, string, RegExp])[] = [
  ["empty", "", /has no header that this version understands/],
  ["without header", '{"claim":"192.0.2.0/24","nextHops":["eni-1"]}\n', /has no header/],
  ["with a torn header", headerLine.slice(0, 40), /has no header/],
  ["of a later version", headerLine.replace('"version":1', '"version":2'), /has no header/],
  ["with a field more in its header", headerLine.replace("{", '{"extra":1,'), /has no header/],
  [
    "of another owner",
    headerLine.replace('"owner":"cloudroutesync"', '"owner":"b"'),
    /belongs to owner "b" and aws table rtb-1/,
  ],
  ["of another table", headerLine.replace("rtb-1", "rtb-2"), /and aws table rtb-2/],
  ["of another cloud", headerLine.replace('"cloud":"aws"', '"cloud":"gcp"'), /and gcp table rtb-1/],
  ["broken in its middle", `${headerLine}{"claim":"192.0\n{"release":"192.0.2.0/24"}\n`, /line 2 is broken/],
  ["with a line of another shape", `${headerLine}{"claim":"192.0.2.0/24"}\n`, /line 2 is broken/],
  ["with binary rubbish", `${headerLine}\0\0\0\n`, /line 2 is broken/],
];

for (const [name, content, problem] of untrusted) {
  Deno.test(`Ledger.open() of a file ${name} trusts none of it and keeps it whole for people`, async () => {
    const store = new FaultyStore(content);
    const { ledger, warning } = await Ledger.open(store, header);
    assert.deepEqual([ledger.lost, ledger.claims.size], [true, 0]);
    assert.match(warning ?? "", problem);
    assert.deepEqual(store.setAsides, [content]);
    assert.equal(store.content, content, "it is not overwritten before it is begun anew");
  });
}

Deno.test("Ledger throws when a claim cannot be written, and does not count it", async () => {
  const { ledger, store } = await begun();
  store.tearNextAppendAt = 20;
  await assert.rejects(ledger.claim([one]), (error) => {
    assert.ok(error instanceof LedgerError);
    assert.equal(error.message, "Cannot write the ledger of table rtb-1: no space left on device");
    assert.ok(error.cause instanceof Error);
    return true;
  });
  assert.equal(ledger.claims.size, 0);
});

Deno.test("Ledger writes its file anew after a failed append, so that the half line does no harm", async () => {
  const { ledger, store } = await begun();
  await ledger.claim([one]);
  store.tearNextAppendAt = 20;
  await assert.rejects(ledger.claim([two]), LedgerError);
  await ledger.confirm([one]);
  assert.equal(
    store.content,
    `${headerLine}{"claim":"198.51.100.0/24","nextHops":["eni-1"]}\n{"confirm":"198.51.100.0/24","nextHops":["eni-1"]}\n`,
  );
});

Deno.test("Ledger stays torn while it cannot be written anew either", async () => {
  const { ledger, store } = await begun();
  store.tearNextAppendAt = 20;
  await assert.rejects(ledger.claim([one]), LedgerError);
  store.failNextReplace = true;
  await assert.rejects(ledger.claim([one]), LedgerError);
  await ledger.claim([two]);
  assert.deepEqual(await readBack(store), ["192.0.2.0/24 eni-1,eni-2 claimed"]);
  assert.deepEqual(store.setAsides, []);
});

/** A store that leaves a sign when it may, and the steps that reached its disk. */
class SignedStore extends FaultyStore {
  readonly steps: string[] = [];
  maySign = true;

  override async replace(text: string): Promise<void> {
    await super.replace(text);
    this.steps.push("ledger");
  }

  leaveSign(): Promise<void> {
    if (!this.maySign) return Promise.reject(new Error("no space left on device"));
    this.steps.push("sign");
    return Promise.resolve();
  }
}

Deno.test("Ledger leaves its sign once it is begun, since a sign without a ledger would claim an operator's routes", async () => {
  const store = new SignedStore();
  const { ledger } = await Ledger.open(store, header);
  assert.deepEqual(store.steps, [], "a lost ledger has none to leave");
  await ledger.begin(new Map());
  assert.deepEqual(store.steps, ["ledger", "sign"]);
});

Deno.test("Ledger is not begun before its sign is left", async () => {
  const store = new SignedStore();
  store.maySign = false;
  const { ledger } = await Ledger.open(store, header);
  await assert.rejects(ledger.begin(new Map()), LedgerError);
  assert.equal(ledger.lost, true);
});

Deno.test("Ledger.open() leaves the sign that an earlier version did not, and none for what it cannot trust", async () => {
  const whole = new SignedStore(headerLine);
  await Ledger.open(whole, header);
  assert.deepEqual(whole.steps, ["sign"]);
  const broken = new SignedStore("rubbish\n");
  await Ledger.open(broken, header);
  assert.deepEqual(broken.steps, []);
});

Deno.test("Ledger stays lost when it cannot be begun", async () => {
  const store = new FaultyStore();
  const { ledger } = await Ledger.open(store, header);
  store.failNextReplace = true;
  await assert.rejects(ledger.begin(new Map()), LedgerError);
  assert.equal(ledger.lost, true);
});

Deno.test("Ledger writes itself anew when most of its lines are history", async () => {
  const { ledger, store } = await begun();
  const replaces = store.replaces;
  for (let round = 0; round < 2100; round++) {
    await ledger.claim([one]);
    await ledger.release([one.prefix]);
  }
  await ledger.claim([two]);
  assert.equal(store.replaces, replaces + 1);
  assert.ok((store.content ?? "").split("\n").length < 200);
  assert.deepEqual(await readBack(store), ["192.0.2.0/24 eni-1,eni-2 claimed"]);
});
