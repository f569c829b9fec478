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

import type { CloudQuota } from "../clouds/cloud.ts";
import { compareMoreSpecificFirst, comparePrefixes, prefixContains } from "../routes/prefix.ts";
import type { PlannedChange } from "./planned_change.ts";
import { needOf, placesTaken } from "./quota_places.ts";

/**
 * Splits changes of one kind so that within a layer no prefix covers another, and each is in a later layer than what it covers: as few
 * layers as possible.
 */
export function layersOf(changes: readonly PlannedChange[]): PlannedChange[][] {
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
  for (const change of [...changes].sort((left, right) => comparePrefixes(left.prefix, right.prefix))) {
    while (around.length > 0 && !contains(around.at(-1)?.change, change)) leave();
    around.push({ change, layer: 0 });
  }
  while (around.length > 0) leave();
  return layers.map((layer) =>
    layer.sort((left, right) => compareMoreSpecificFirst(left.prefix, right.prefix))
  );
}

function contains(outer: PlannedChange | undefined, { prefix }: PlannedChange): boolean {
  return outer !== undefined && prefixContains(outer.prefix, prefix);
}

/** Joins layers to waves where their order does not matter, and splits them where the quota has not the places for all at once. */
export function wavesOf(
  layers: readonly PlannedChange[][],
  quotas: readonly CloudQuota[],
): PlannedChange[][] {
  const waves: PlannedChange[][] = [];
  const free = quotas.flatMap((quota) => quota.limit === null ? [] : [new WavePlaces(quota, quota.limit)]);
  for (const layer of layers) {
    let wave = waves.at(-1);
    if (wave === undefined || !mayJoin(wave, layer)) wave = undefined;
    for (const change of layer) {
      if (wave === undefined || !free.every((places) => places.has(change))) {
        for (const places of free) places.endWave();
        waves.push(wave = []);
      }
      wave.push(change);
      for (const places of free) places.take(change);
    }
  }
  return waves;
}

/** Whether a layer may be made at once with the wave before it. */
function mayJoin(wave: readonly PlannedChange[], layer: readonly PlannedChange[]): boolean {
  const deletes = (change: PlannedChange): boolean => change.action === "delete";
  if (wave.some(deletes) && !layer.every(deletes)) return false;
  const sorted = [...wave, ...layer].sort((left, right) => comparePrefixes(left.prefix, right.prefix));
  // In this order what a prefix contains comes right behind it.
  return sorted.every((change, index) => !contains(sorted[index - 1], change));
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
