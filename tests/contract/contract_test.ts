/**
 * The contract that every cloud keeps: the same cases on each, against its servers. A cloud is one row, a file in `rigs/`; what
 * it cannot have it declares there with the reason.
 */

import assert from "node:assert/strict";
import { type CaseName, cases } from "./cases.ts";
import type { ContractCase, ContractRig, ContractRow } from "./rig.ts";
import { aws } from "./rigs/aws.ts";
import { azure } from "./rigs/azure.ts";
import { gcp } from "./rigs/gcp.ts";
import { local } from "./rigs/local.ts";
import { openstack } from "./rigs/openstack.ts";
import { openSubject } from "./subject.ts";

const rows: readonly ContractRow[] = [local, gcp, azure, aws, openstack];

/** One a cloud: servers take seconds to start. */
const rigs = new Map<ContractRow, Promise<ContractRig>>();

Deno.test.afterAll(async () => {
  for (const rig of rigs.values()) await (await rig)[Symbol.asyncDispose]();
});

for (const row of rows) {
  Deno.test(`${row.cloud}: the row says why of each case that it leaves out`, () => {
    for (const reason of Object.values(row.notApplicable)) assert.match(reason, /^[A-Z].{20,}[^.]$/);
  });
  for (const [name, run] of Object.entries(cases) as [CaseName, ContractCase][]) { // their keys are the names
    if (row.notApplicable[name] === undefined) contractTest(row, name, run);
  }
}

function contractTest(row: ContractRow, name: CaseName, run: ContractCase): void {
  Deno.test({
    name: `${row.cloud}: ${name}`,
    ignore: row.missing() !== null,
    // The SDKs keep their connections open for the next call.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const known = rigs.get(row) ?? row.start();
      rigs.set(row, known);
      const rig = await known;
      await rig.reset();
      try {
        await run({ row, rig, open: (changed) => openSubject(row.cloud, rig.options(changed)) });
      } finally {
        await rig.heal();
      }
    },
  });
}
