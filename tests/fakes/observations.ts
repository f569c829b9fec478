/** What a run shows of itself, made of a few words. */

import type { Observed } from "../../src/observe/health.ts";
import type { SyncStatus } from "../../src/sync/sync_status.ts";
import { quota } from "./cloud_routes.ts";

/** A table in step with three routes of ours, changed as told. */
export function syncStatus(changed: Partial<SyncStatus> = {}): SyncStatus {
  return {
    table: "rtb-1",
    id: "rtb-1",
    known: true,
    waitsFor: null,
    inStep: true,
    wanted: 3,
    owned: 3,
    foreign: 2,
    pending: 0,
    damped: [],
    held: 0,
    heldWhy: null,
    heldUntil: null,
    nextTryAt: null,
    changes: [],
    causes: { kernel: 2, start: 1, drift: 1, adopt: 0, peer: 0, cleanup: 0 },
    overQuota: [],
    conflicts: [],
    looping: [],
    problems: [],
    ownSubnets: [],
    peerRoutes: 0,
    standby: [],
    quotas: [quota(5, 50)],
    errors: new Map(),
    nextTries: new Map(),
    writes: { add: 3, replace: 1, delete: 0 },
    failures: 4,
    reads: 6,
    inStepAt: 1,
    inStepSince: 1_700_000_000_000,
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
    commit: "0123456789ab",
    cloud: "aws",
    wanted: 3,
    kernelRoutes: 10,
    kernelOverruns: 1,
    kernelDumps: { start: 1 },
    kernelError: null,
    unexpectedErrors: 0,
    forwarding: [{ name: "IPv4 forwarding", status: "ok", detail: "net.ipv4.ip_forward is 1" }],
    peers: [],
    limiters: [{
      action: "add",
      perSecond: 4,
      fullPerSecond: 4,
      waiting: 0,
      throttledUntil: null,
      refused: 0,
    }],
    tables,
    ...changed,
  };
}
