/** What a run shows of itself, made of a few words. */

import type { Observed } from "../../src/observe/health.ts";
import type { SyncStatus } from "../../src/sync/sync_status.ts";
import { quota } from "./cloud_routes.ts";

/** A table in step with three routes of ours, changed as told. */
export function syncStatus(changed: Partial<SyncStatus> = {}): SyncStatus {
  return {
    table: "rtb-1",
    id: "rtb-1",
    inStep: true,
    wanted: 3,
    owned: 3,
    foreign: 2,
    pending: 0,
    held: 0,
    heldWhy: null,
    unfit: [],
    conflicts: [],
    quotas: [quota(5, 50)],
    errors: new Map(),
    writes: { add: 3, replace: 1, delete: 0 },
    failures: 4,
    reads: 6,
    inStepAt: 1,
    ...changed,
  };
}

/** A run that is well, with these tables. */
export function observed(
  tables: readonly SyncStatus[] = [syncStatus()],
  changed: Partial<Observed> = {},
): Observed {
  return {
    version: "1.2.3",
    cloud: "aws",
    wanted: 3,
    kernelRoutes: 10,
    kernelOverruns: 1,
    kernelError: null,
    tables,
    ...changed,
  };
}
