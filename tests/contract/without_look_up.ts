/** The cases that a cloud cannot have whose routes name a gateway by its own address. */

import type { CaseName } from "./cases.ts";

const why = "Its routes name a gateway by its own address, so nobody is asked who has it";

/** See the head of this file. */
export const withoutLookUp: Partial<Readonly<Record<CaseName, string>>> = {
  "resolve() knows the VMs beside this one, and no other address": why,
  "resolve() finds a VM that came since it was last looked for": why,
  "resolve() does not find a VM that has gone": why,
  "resolve() finds a VM beside one whose address makes no sense": why,
  "resolve() that fails remembers nothing of it": why,
  "a wall clock set back does not keep a VM from being found": why,
  "resolve() believes no empty answer": why,
  "resolve() believes no truncated answer": why,
  "resolve() believes no cut off answer": why,
  "resolve() believes no foreign answer": why,
  "resolve() believes no incomplete answer": why,
  "resolve() says throttled, and works when that is over": why,
  "resolve() says quota, and works when that is over": why,
  "resolve() says denied, and works when that is over": why,
  "resolve() says conflict, and works when that is over": why,
  "resolve() says gone, and works when that is over": why,
  "resolve() says unavailable, and works when that is over": why,
  "resolve() says invalid, and works when that is over": why,
  "resolve() gives up with its caller's own reason at each of its requests": why,
};
