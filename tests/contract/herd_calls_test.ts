/** The herd of `tests/model` calls what the real clouds call: a stand-in that called less often would be kinder than the program is. */

import { configureSync, resetSync } from "@logtape/logtape";
import assert from "node:assert/strict";
import { type AccountShape, accountShapes, type CallName } from "../model/herd_account.ts";
import { add, never, only } from "./helpers.ts";
import type { ContractRow } from "./rig.ts";
import { aws } from "./rigs/aws.ts";
import { azure } from "./rigs/azure.ts";
import { gcp } from "./rigs/gcp.ts";
import { openSubject, type Subject } from "./subject.ts";
import type { CloudTable, PreparedTable, TableReading } from "../../src/clouds/cloud.ts";

/** Which limit a call of the log counts against; null: none of the account's. */
const limitOf: Readonly<Record<AccountShape["name"], (operation: string) => CallName | null>> = {
  // Service Quotas is another service, with limits of its own.
  EC2: (operation) => /^(GET|PUT) |^GetServiceQuota$/.test(operation) ? null : operation,
  ARM: (operation) => /^GET (metadata|identity)/.test(operation) ? null : operation.split(" ")[0] ?? null,
  Google: (operation) => {
    if (!operation.includes(" projects/")) return null;
    if (operation === "POST projects/routes") return "write";
    return /projects\/(instances|regions)/.test(operation) ? "regional" : "read";
  },
};

const rows: Readonly<Record<AccountShape["name"], ContractRow>> = { EC2: aws, ARM: azure, Google: gcp };

for (const shape of accountShapes) {
  const row = rows[shape.name];
  Deno.test({
    name: `${row.cloud}: the herd makes the calls that the cloud makes`,
    ignore: row.missing() !== null,
    // The SDKs keep their connections open for the next call.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      await using rig = await row.start();
      await rig.reset();
      const subject = await openSubject(row.cloud, rig.options());
      using log = loggedCalls(limitOf[shape.name]);
      const callsOf = async <T>(run: () => Promise<T>): Promise<{ calls: readonly CallName[]; value: T }> => {
        log.calls.length = 0;
        const value = await run();
        return { calls: log.calls.toSorted(), value };
      };
      const identify = await callsOf(() => subject.identify(never));
      assert.deepEqual(identify.calls, shape.identify.toSorted(), "identify");
      const table = only(await subject.prepare(never));
      // What was made just now is known to this run: another one starts.
      await subject.identify(never);
      const prepare = await callsOf(() => subject.prepareAndRead(never, "later"));
      assert.deepEqual(prepare.calls, shape.prepare.toSorted(), "prepare");
      const { reading, copiesLater } = only<PreparedTable>(prepare.value);
      assert.equal(copiesLater ?? false, shape.copies.length > 0, "copies are looked after later");
      const again = await callsOf(() => subject.prepareAndRead(never, "now"));
      assert.deepEqual(again.calls, [...shape.prepare, ...shape.copies].toSorted(), "prepare, later");
      assert.equal(reading !== undefined, shape.readsAhead, "reading ahead");
      const first = await callsOf(() => (reading ?? unread(subject, table)).state(never));
      const firstCalls = [...(shape.readsAhead ? [] : shape.read), ...shape.besideFirstRead];
      assert.deepEqual(first.calls, firstCalls.toSorted(), "first reading");
      const read = await callsOf(() => subject.read(table, never));
      assert.deepEqual(read.calls, shape.read.toSorted(), "reading");
      const change = add("198.51.100.0/24", rig.self[4]);
      const write = await callsOf(() => subject.write(table, [change], read.value, never));
      assert.deepEqual(write.calls, shape.write.add.toSorted(), "write");
      const forwarding = await callsOf(() => subject.forwarding(never));
      assert.deepEqual(forwarding.calls, shape.forwarding.toSorted(), "forwarding");
    },
  });
}

/** What stands for the reading of a table that preparing did not read. */
function unread(subject: Subject, table: CloudTable): Pick<TableReading, "state"> {
  return { state: (signal) => subject.read(table, signal) };
}

/** Collects the calls that the program logs, by the limit that they count against. */
function loggedCalls(
  limit: (operation: string) => CallName | null,
): Disposable & { readonly calls: CallName[] } {
  const calls: CallName[] = [];
  configureSync({
    sinks: {
      calls: ({ properties: { event, operation } }) => {
        const name = event === "api-call" && typeof operation === "string" ? limit(operation) : null;
        if (name !== null) calls.push(name);
      },
    },
    loggers: [
      { category: "cloudroutesync", lowestLevel: "debug", sinks: ["calls"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: [] },
    ],
  });
  return { calls, [Symbol.dispose]: resetSync };
}
