/** A kernel table as lines of text, to be compared. */

import type { KernelTable, Leg } from "../../../../src/kernel/kernel_table.ts";
import { bigProtocol } from "./walk_plan.ts";

/** Routes but for those of the big table, devices and addresses: those of a prefix in the table's order, all else sorted. */
export function tableText(table: KernelTable): string[] {
  const prefixes: string[] = [];
  for (const routes of table.prefixes()) {
    if (routes.every(({ protocol }) => protocol === bigProtocol)) continue;
    prefixes.push(routes.map((route) => text({ ...route, legs: route.legs.map(legState) })).join("\n"));
  }
  // The kernel does not tell of names that a device gets while it is down, until it is up.
  const links = table.links().map((link) => text(link.up ? link : { ...link, altNames: [] }));
  const addresses = table.addresses().map(text);
  return [...prefixes.sort(), ...links.sort(), ...addresses.sort()].flatMap((lines) => lines.split("\n"));
}

/** The kernel clears the mark of a lost carrier on a dead leg with any change of its device, and does not tell. */
function legState(leg: Leg): Leg {
  return leg.dead ? { ...leg, linkDown: false } : leg;
}

/** All that is known of a route, device or address. */
function text(value: unknown): string {
  return JSON.stringify(
    value,
    (_, inner) => typeof inner === "object" && inner !== null && "text" in inner ? inner.text : inner,
  );
}

/** Lines of one list that the other lacks. */
export function differenceText(table: readonly string[], truth: readonly string[]): string[] {
  const wrong = without(table, truth).map((line) => `monitor only: ${line}`);
  const missing = without(truth, table).map((line) => `kernel only: ${line}`);
  if (wrong.length + missing.length > 0) return [...wrong, ...missing];
  const differ = (lines: readonly string[], others: readonly string[]): string[] =>
    lines.filter((line, index) => line !== others[index]);
  return [
    "The same routes in another order:",
    ...differ(table, truth).map((line) => `monitor: ${line}`),
    ...differ(truth, table).map((line) => `kernel: ${line}`),
  ];
}

/** Lines that one list has more often than another. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
