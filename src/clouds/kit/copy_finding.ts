/** What `doctor` says of a table that is a living copy of others. */

import type { Finding } from "../cloud.ts";
import type { CopyPlan, CopyStep } from "./living_copy.ts";

/** More steps than these make a line that nobody reads. */
const mostNamed = 5;

/** How our table stands to those that its subnets used before. */
export interface CopyState {
  /** Name of our table. */
  readonly own: string;
  /** Names of the former tables that exist. */
  readonly formers: readonly string[];
  /** Names of those that are gone. */
  readonly gone: readonly string[];
  readonly plan: CopyPlan;
}

/** The finding; null where no subnet has a former table. */
export function copyFinding({ own, formers, gone, plan }: CopyState): Finding | null {
  const name = "carried-over routes";
  const { steps, faults, copies } = plan;
  if (formers.length + gone.length === 0) return null;
  if (faults.length > 0) return { name, status: "bad", detail: faults.join("; ") };
  if (formers.length === 0) {
    return {
      name,
      status: "unknown",
      detail: `${
        gone.join(", ")
      }, which the subnet used before ${own}, is gone: what was copied from it stays`,
      remedy: "run cloudroutesync cleanup and cloudroutesync apply to begin with the subnet's present table",
    };
  }
  if (steps.length === 0) {
    return {
      name,
      status: "ok",
      detail: `${own} has what ${formers.join(", ")} has (${
        copies.length === 1 ? "1 entry" : `${copies.length} entries`
      })`,
    };
  }
  return {
    name,
    status: "bad",
    detail: `${own} is behind ${formers.join(", ")}: ${stepList(steps)}`,
    remedy: "run cloudroutesync apply: it makes the copy whole, as a running service does every five minutes",
  };
}

function stepList(steps: readonly CopyStep[]): string {
  const named = steps.slice(0, mostNamed).map(({ action, key, to }) =>
    to === null ? `${action} ${key}` : `${action} ${key} to ${to}`
  );
  return [...named, ...steps.length > mostNamed ? [`${steps.length - mostNamed} more`] : []].join(", ");
}
