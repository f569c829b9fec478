/**
 * The order in which changes are made. Pure.
 *
 * The order: replaces, then adds, then deletes, so that no prefix is without a route longer than it must be; within each the
 * more specific before what covers them. Only when a quota is full is what needs places put behind what frees them.
 *
 * Waves keep that order where it matters and leave the cloud free where it does not. A wave begins when the one before has ended; its
 * changes may be made at once and in any order. So in one wave no prefix covers another, nothing is made after a delete, and all
 * places that its changes need are free at its beginning.
 */

import { eachOf, itemsAStep, someOf, type Steps } from "../async/steps.ts";
import type { CloudQuota } from "../clouds/cloud.ts";
import { prefixContains } from "../routes/prefix.ts";
import { prefixKeys, sorting } from "./column_sort.ts";
import type { PlannedChange } from "./planned_change.ts";
import { needOf, placesTaken } from "./quota_places.ts";

/**
 * Splits changes of one kind so that within a layer no prefix covers another, and each is in a later layer than what it covers: as few
 * layers as possible.
 */
export function* layering(changes: readonly PlannedChange[]): Steps<PlannedChange[][]> {
  const layers: PlannedChange[][] = [];
  /** The prefixes that contain the present one, the shortest first, with the number of the layer that each needs so far. */
  const around: { readonly change: PlannedChange; layer: number }[] = [];
  const leave = (): void => {
    const left = around.pop();
    if (left === undefined) return;
    (layers[left.layer] ??= []).push(left.change);
    const outer = around.at(-1);
    if (outer !== undefined) outer.layer = Math.max(outer.layer, left.layer + 1);
  };
  let looked = 0;
  for (const change of yield* sorting(changes, prefixKeys)) {
    while (around.length > 0 && !contains(around.at(-1)?.change, change)) leave();
    around.push({ change, layer: 0 });
    if (++looked % itemsAStep === 0) yield;
  }
  while (around.length > 0) leave();
  const ordered: PlannedChange[][] = [];
  for (const layer of layers) ordered.push(yield* moreSpecificFirst(layer));
  return ordered;
}

/** Orders a layer, which is in order of addresses, by length. */
function* moreSpecificFirst(layer: PlannedChange[]): Steps<PlannedChange[]> {
  const [first] = layer;
  if (!(yield* someOf(layer, ({ prefix }) => prefix.length !== first?.prefix.length))) return layer;
  const byLength = new Map<number, PlannedChange[]>();
  yield* eachOf(layer, (change) => {
    const { length } = change.prefix;
    const same = byLength.get(length);
    if (same === undefined) byLength.set(length, [change]);
    else same.push(change);
  });
  const ordered: PlannedChange[] = [];
  for (const [, same] of [...byLength].sort(([left], [right]) => right - left)) {
    yield* eachOf(same, (change) => ordered.push(change));
  }
  return ordered;
}

function contains(outer: PlannedChange | undefined, { prefix }: PlannedChange): boolean {
  return outer !== undefined && prefixContains(outer.prefix, prefix);
}

/**
 * Joins layers to waves where their order does not matter, and splits them where a quota has not the places for all at once.
 *
 * @param kinds the layers of each kind of change.
 * @param scarce the quotas that have not the places for all.
 */
export function* joining(
  kinds: readonly (readonly PlannedChange[][])[],
  scarce: readonly CloudQuota[],
): Steps<PlannedChange[][]> {
  const waves: PlannedChange[][] = [];
  const free = scarce.flatMap((quota) => quota.limit === null ? [] : [new WavePlaces(quota, quota.limit)]);
  let looked = 0;
  for (const layers of kinds) {
    // Whether the last wave has all of the layer before. Each prefix of a layer covers one of the layer before, so that a layer cannot
    // join that wave: this need not be found out by looking. Where a quota has split the layer before, the last wave has only its end.
    let lastHasLayerBefore = false;
    for (const layer of layers) {
      let wave = waves.at(-1);
      if (wave === undefined || lastHasLayerBefore || !(yield* mayJoin(wave, layer))) wave = undefined;
      lastHasLayerBefore = true;
      for (const [index, change] of layer.entries()) {
        if (wave === undefined || !free.every((places) => places.has(change))) {
          for (const places of free) places.endWave();
          waves.push(wave = []);
          if (index > 0) lastHasLayerBefore = false;
        }
        wave.push(change);
        for (const places of free) places.take(change);
        if (++looked % itemsAStep === 0) yield;
      }
    }
  }
  return waves;
}

/** Whether a layer may be made at once with the wave before it. */
function* mayJoin(wave: readonly PlannedChange[], layer: readonly PlannedChange[]): Steps<boolean> {
  // All changes of a layer are of one kind.
  if (layer[0]?.action !== "delete" && wave.some(({ action }) => action === "delete")) return false;
  let before: PlannedChange | undefined;
  let looked = 0;
  // In this order what a prefix contains comes right behind it.
  for (const change of yield* sorting(wave.concat(layer), prefixKeys)) {
    if (contains(before, change)) return false;
    before = change;
    if (++looked % itemsAStep === 0) yield;
  }
  return true;
}

/** The free places of one quota while waves are made; the places that a wave frees are there when it has ended. */
class WavePlaces {
  readonly #quota: CloudQuota;
  #free: number;
  #taken = 0;
  #balance = 0;

  constructor(quota: CloudQuota, limit: number) {
    this.#quota = quota;
    this.#free = limit - quota.used;
  }

  /**
   * Whether the wave leaves enough places for one more change. What needs none joins any wave, but not one whose only change has too few
   * already: that may depend on the places which this one frees.
   */
  has(change: PlannedChange): boolean {
    const { most } = needOf(change, this.#quota);
    return (most === 0 && this.#taken === 0) || this.#taken + most <= this.#free;
  }

  take(change: PlannedChange): void {
    this.#taken += needOf(change, this.#quota).most;
    this.#balance += placesTaken(change, this.#quota);
  }

  endWave(): void {
    this.#free -= this.#balance;
    this.#taken = 0;
    this.#balance = 0;
  }
}
