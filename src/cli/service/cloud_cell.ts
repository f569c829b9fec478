/** What one table of the cloud has to say of a prefix, as a cell of the page. Pure. */

import type { CloudRoute } from "../../clouds/cloud.ts";
import type { CloudCell, RowState } from "../../observe/route_row.ts";
import type { Standing } from "../../sync/prefix_standing.ts";
import type { TableSight } from "../../sync/table_standing.ts";
import { standingText } from "../standing_text.ts";

/** A longer text is cut: a row is looked at, the log and `status` have it whole. */
const longestText = 240;

/** A table, and what is not as it should be there. */
export interface SeenTable {
  readonly sight: TableSight;
  readonly standings: ReadonlyMap<string, Standing>;
}

/**
 * Makes the cell.
 *
 * @param isWanted whether the kernel's route is wanted.
 * @param describe how people read a next hop.
 * @returns null if the table has nothing to say.
 */
export function cloudCell(
  prefix: string,
  isWanted: boolean,
  { sight, standings }: SeenTable,
  describe: (nextHop: string) => string,
): CloudCell | null {
  const { index, errors, comparison } = sight;
  const own = index.own.get(prefix);
  const peer = index.peers.get(prefix)?.route;
  const [foreign] = index.foreign.get(prefix) ?? [];
  const route = own ?? peer ?? foreign;
  const standing = standings.get(prefix);
  const error = errors.get(prefix);
  if (route === undefined && !isWanted && standing === undefined && error === undefined) return null;
  const why = error?.message ??
    (standing === undefined ? null : standingText(standing, comparison.decision.why));
  return {
    table: sight.table,
    state: error === undefined ? stateOf(standing, isWanted, own, peer) : "failing",
    to: route?.nextHops.map(describe).join(", ") || null,
    owner: own !== undefined
      ? "ours"
      : peer !== undefined
      ? "peer"
      : foreign !== undefined
      ? "foreign"
      : null,
    why: why === null || why.length <= longestText ? why : `${why.slice(0, longestText)}…`,
  };
}

function stateOf(
  standing: Standing | undefined,
  isWanted: boolean,
  own: CloudRoute | undefined,
  peer: CloudRoute | undefined,
): RowState {
  if (standing === undefined) {
    if (isWanted) return own === undefined ? "pending" : "in-step";
    return own !== undefined ? "pending" : peer !== undefined ? "peer" : "foreign";
  }
  switch (standing.is) {
    case "left":
      return standing.verdict;
    case "waiting":
    case "change":
    case "retry":
    case "damped":
      return "pending";
    default:
      return standing.is;
  }
}
