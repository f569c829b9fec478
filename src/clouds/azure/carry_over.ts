/**
 * Makes our table a copy of the tables that its subnets used before, so that no VM loses its way out: by the rule of
 * `kit/living_copy.ts`, in one PUT of the whole table.
 */

import { createHash } from "node:crypto";
import { CopyRecord } from "../kit/copy_record.ts";
import { type CopyPlan, type CopyStep, type FormerTable, planCopies } from "../kit/living_copy.ts";
import { defaultOf, entriesOf, isOf, keyOf, settingOf, settingsOf, targetOf } from "./carried_entries.ts";
import { sameId } from "./resource_id.ts";
import { decodeRoute, nextHopAddresses } from "./routes.ts";
import type { ArmRoute, ArmRouteTable } from "./schemas.ts";
import { copyDigestOf, copyRecordOf } from "./tags.ts";

/** Longest name of a route. */
const longestName = 80;

/** What a table has besides its tags. */
export interface TableContent {
  readonly routes: readonly ArmRoute[];
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A table as the rule of the living copy takes it; null: a subnet without a table. */
export function asFormer(table: ArmRouteTable | null, owner: string): FormerTable {
  return { name: table?.name ?? "a subnet without a route table", entries: entriesOf(table, owner) };
}

/** Plans what makes our table a copy of the former ones again. A route with this owner's mark goes before a copy. */
export function planCarryOver(
  formers: readonly (ArmRouteTable | null)[],
  own: ArmRouteTable,
  owner: string,
): CopyPlan {
  const record = CopyRecord.parse(copyRecordOf(own));
  const isUntouched = copyDigestOf(own) === digestOf(own);
  const isOurs = (key: string): boolean => routeOf(own, key)?.some((route) => isOf(owner, route)) === true;
  return planCopies(formers.map((former) => asFormer(former, owner)), {
    name: own.name,
    entries: entriesOf(own, null),
    isCopy: (key, value) => !isOurs(key) && (record.has(key, value) || (isUntouched && !isMarked(own, key))),
    goesBefore: isOurs,
  });
}

/**
 * Our table once the steps of a plan are made.
 *
 * @param formers the tables that they were planned from.
 */
export function withCopies(
  own: ArmRouteTable,
  formers: readonly (ArmRouteTable | null)[],
  { steps }: Pick<CopyPlan, "steps">,
): TableContent {
  let routes: readonly ArmRoute[] = own.properties.routes;
  const settings: Record<string, unknown> = { ...settingsOf(own) };
  for (const step of steps) {
    const setting = settingOf(step.key);
    if (setting === null) routes = withStep(routes, step, formers);
    else settings[setting] = settingAfter(setting, step, formers, settings[setting]);
  }
  return { routes, settings };
}

/** A route without what Azure itself fills in. */
export function copyOf({ name, properties }: ArmRoute): ArmRoute {
  const { provisioningState: _, hasBgpOverride: __, ...own } = properties;
  return { name, properties: own };
}

/** Whether two routes send the same packets to the same place, whatever their names. */
export function sameRoute(route: ArmRoute, other: ArmRoute): boolean {
  return keyOf(route) === keyOf(other) && targetOf(route) === targetOf(other);
}

function withStep(
  routes: readonly ArmRoute[],
  { key, to }: CopyStep,
  formers: readonly (ArmRouteTable | null)[],
): readonly ArmRoute[] {
  const others = routes.filter((route) => keyOf(route) !== key);
  const source = to === null ? undefined : formers
    .flatMap((former) => former === null ? [] : routeOf(former, key) ?? [])
    .find((route) => targetOf(route) === to);
  return source === undefined
    ? others
    : [...others, { ...copyOf(source), name: freeName(source.name, others) }];
}

function settingAfter(
  name: string,
  { to }: CopyStep,
  formers: readonly (ArmRouteTable | null)[],
  standing: unknown,
): unknown {
  if (to === null) return defaultOf(standing);
  return formers.map((former) => settingsOf(former)[name]).find((value) => value !== undefined);
}

/** Route names are unique in a table. */
function freeName(name: string, routes: readonly ArmRoute[]): string {
  for (let number = 1;; number++) {
    const tried = number === 1 ? name : `${name.slice(0, longestName - 4)}-${number}`;
    if (!routes.some((route) => sameId(route.name, tried))) return tried;
  }
}

function routeOf(table: ArmRouteTable, key: string): readonly ArmRoute[] | undefined {
  const found = table.properties.routes.filter((route) => keyOf(route) === key);
  return found.length === 0 ? undefined : found;
}

function isMarked(table: ArmRouteTable, key: string): boolean {
  return routeOf(table, key)?.some((route) => (decodeRoute(route)?.owner ?? null) !== null) === true;
}

/** Half a SHA-256 of what is in a table without an owner's mark, in no order: how version 1.0 knew its copies. */
export function digestOf({ properties }: Pick<ArmRouteTable, "properties">): string {
  const lines = properties.routes.flatMap((route) => {
    const decoded = decodeRoute(route);
    if ((decoded?.owner ?? null) !== null) return [];
    const destination = decoded?.prefix.text ?? route.properties.addressPrefix ?? "";
    const target = [route.properties.nextHopType, ...nextHopAddresses(route.properties)].join(" ");
    return [[route.name.toLowerCase(), destination, target].join("\t")];
  });
  const setting = `disableBgpRoutePropagation ${properties["disableBgpRoutePropagation"] ?? false}`;
  return createHash("sha256").update([setting, ...lines.sort()].join("\n")).digest("hex").slice(0, 32);
}
