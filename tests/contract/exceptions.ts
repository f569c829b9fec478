/** Cases that several clouds cannot have, by what those clouds have in common. */

import type { CaseName } from "./cases.ts";
import { ownTableCases } from "./cases/own_table.ts";
import { because, type ContractRow } from "./rig.ts";

/** Of clouds whose routes have one next hop. */
export function withoutNextHopSets(reason: string): ContractRow["notApplicable"] {
  return because(
    reason,
    "write() gives a route several next hops, and takes them away one by one",
    "-no-ecmp gives each route one next hop",
  );
}

/** Of clouds that ask who has a gateway's address. */
export const becauseOfLookUp: ContractRow["notApplicable"] = because(
  "A gateway that no interface or port has is this VM's to forward, so it is asked who has it",
  "resolve() names each gateway by its own address, whoever has it, and asks nobody",
);

const ownAddress = "Its routes name a gateway by its own address, so nobody is asked who has it";

/** Of clouds whose routes name a gateway by its own address. */
export const withoutLookUp: Partial<Readonly<Record<CaseName, string>>> = {
  "resolve() knows the VMs beside this one, and no other address": ownAddress,
  "resolve() finds a VM that came since it was last looked for": ownAddress,
  "resolve() does not find a VM that has gone": ownAddress,
  "resolve() finds a VM beside one whose address makes no sense": ownAddress,
  "resolve() that fails remembers nothing of it": ownAddress,
  "a wall clock set back does not keep a VM from being found": ownAddress,
  "resolve() trusts no empty answer": ownAddress,
  "resolve() trusts no truncated answer": ownAddress,
  "resolve() trusts no cut off answer": ownAddress,
  "resolve() trusts no foreign answer": ownAddress,
  "resolve() trusts no incomplete answer": ownAddress,
  "resolve() says throttled, and works when that is over": ownAddress,
  "resolve() says quota, and works when that is over": ownAddress,
  "resolve() says denied, and works when that is over": ownAddress,
  "resolve() says conflict, and works when that is over": ownAddress,
  "resolve() says gone, and works when that is over": ownAddress,
  "resolve() says unavailable, and works when that is over": ownAddress,
  "resolve() says invalid, and works when that is over": ownAddress,
  "resolve() gives up with its caller's own reason at each of its requests": ownAddress,
};

/** Of clouds where the program makes no table of its own. @param reason why it makes none. */
export function withoutOwnTable(reason: string): ContractRow["notApplicable"] {
  return Object.fromEntries(Object.keys(ownTableCases).map((name) => [name, reason]));
}

/** Of clouds where preparing reads no table. */
export const withoutReadingAhead: ContractRow["notApplicable"] = because(
  "Where nothing is to be made ready nothing is read either before the table is compared",
  "what prepare() and foresee() have read is what read() says, and may be written to",
  "what was read by prepare() overwrites nothing that came after",
  "prepare() that makes a table tells no reading of it",
);
