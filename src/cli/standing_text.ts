/** How a prefix stands in a table, in words: for `explain` and the page. */

import type { GroupVerdict } from "../sync/group.ts";
import type { ChangeReason } from "../sync/planned_change.ts";
import type { Standing } from "../sync/prefix_standing.ts";

/** Why nothing is done at a prefix that another router of the group has. */
const whyLeft: Readonly<Record<GroupVerdict, string>> = {
  standby: "standby: a peer has it",
  peer: "peer: the kernel's next hop is a peer, which writes the route itself",
  passive: "passive: the active address is not on this VM",
};

/** Why a change is made. */
const whyChanged: Readonly<Record<ChangeReason, string>> = {
  "missing": "it is wanted and not there",
  "next-hop-changed": "it points elsewhere",
  "failed": "the cloud says that its last change failed",
  "adopted": "a foreign route is taken over",
  "not-wanted": "it is ours and not wanted any more",
  signed: "its mark must name this router",
  "taken-over": "it is taken over from a peer",
  "handed-over": "it is handed over to a peer",
};

/**
 * Why a change is, or is not, made.
 *
 * @param heldWhy why withdrawals are held; null: none is.
 */
export function standingText(standing: Standing | undefined, heldWhy: string | null): string {
  switch (standing?.is) {
    case "over-quota":
      return "it is over the quota";
    case "blocked":
      return "blocked by a foreign route (-adopt takes it over)";
    case "would-loop":
      return `it would loop: this VM sends ${standing.turnsBack} by the subnet's router, and this table would send it back (would-loop)`;
    case "unresolved":
      return "the next hop is not known at the moment";
    case "held":
      return `the withdrawal is held: ${heldWhy}`;
    case "waiting":
      return "the withdrawal waits until the kernel is quiet";
    case "left":
      return whyLeft[standing.verdict];
    case "retry":
      return `${whyChanged[standing.change.why]}; the change failed and is tried again`;
    case "damped":
      return `${whyChanged[standing.change.why]}; it flapped too often and waits for its turn`;
    case "change":
      return whyChanged[standing.change.why];
    case undefined:
      return "there is nothing to do";
  }
}
