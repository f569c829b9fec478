/** What a cloud foresees that makes no table: the network or the router is the table. */

import type { Foresight } from "../cloud.ts";

/** See the head of this file. */
export const nothingToPrepare: Foresight = { steps: [], toBe: null };
