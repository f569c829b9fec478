/** The document of `status -output json` as far as this program understands it: the service that wrote it may be of another version. */

import * as v from "valibot";

const count = v.number();
/** Null where it is unknown. */
const known = v.nullable(count);
const time = v.nullable(v.string());
const tableSchema = v.object({
  table: v.string(),
  known: v.optional(v.boolean(), true),
  inStep: v.boolean(),
  inStepSince: v.optional(time, null),
  owned: known,
  foreign: known,
  peers: v.optional(known, 0),
  standby: v.optional(count, 0),
  pending: known,
  held: known,
  overQuota: count,
  conflicts: count,
  quotas: v.array(
    v.object({ used: count, limit: v.nullable(count), families: v.optional(v.array(count), []) }),
  ),
  causes: v.optional(v.object({ drift: v.optional(count, 0) }), { drift: 0 }),
});

const cloudSchema = v.object({
  tables: v.array(v.object({ table: v.string(), lastReading: time, lastWrite: time, nextTry: time })),
  calls: v.record(v.string(), v.object({ calls: count, failed: count, lastMs: count, meanMs: count })),
  limiters: v.optional(
    v.array(v.object({
      action: v.string(),
      perSecond: count,
      fullPerSecond: count,
      waiting: count,
      throttledUntil: time,
      refused: count,
    })),
    [],
  ),
});
const findingSchema = v.object({
  name: v.string(),
  status: v.string(),
  detail: v.string(),
  remedy: v.nullable(v.string()),
});
const peerSchema = v.object({ address: v.string(), state: v.string(), since: time, why: v.string() });
const changeSchema = v.object({
  time: v.string(),
  table: v.string(),
  prefix: v.string(),
  action: v.string(),
  from: v.nullable(v.string()),
  to: v.nullable(v.string()),
  cause: v.string(),
  milliseconds: v.nullable(count),
});

/** What the text is made of; the service may be of a later version and say more. */
export const statusSchema = v.object({
  state: v.picklist(["starting", "ok", "degraded", "failing"]),
  why: v.string(),
  since: v.string(),
  held: v.array(v.object({
    table: v.string(),
    count,
    why: v.nullable(v.string()),
    until: v.optional(v.nullable(v.string()), null),
    release: v.string(),
  })),
  service: v.object({
    version: v.string(),
    pid: count,
    uptimeSeconds: count,
    cloud: v.string(),
    instance: v.nullable(v.string()),
    owner: v.string(),
    settings: v.array(v.object({ flag: v.string(), value: v.string(), source: v.string() })),
  }),
  carries: v.optional(v.array(findingSchema), []),
  peers: v.optional(v.array(peerSchema), []),
  flow: v.object({
    kernelRoutes: count,
    wanted: count,
    dropped: v.nullable(v.record(v.string(), count)),
    tables: v.array(tableSchema),
  }),
  cloud: v.optional(cloudSchema, { tables: [], calls: {}, limiters: [] }),
  errors: v.array(v.object({
    table: v.string(),
    prefix: v.nullable(v.string()),
    further: v.optional(count, 0),
    message: v.string(),
    kind: v.optional(v.string()),
    remedy: v.optional(v.nullable(v.string()), null),
    nextTry: v.optional(time, null),
  })),
  changes: v.optional(v.array(changeSchema), []),
  problems: v.array(v.object({ prefix: v.string(), problem: v.string(), command: v.string() })),
  furtherProblems: count,
});

/** The document as the text needs it. */
export type StatusDocument = v.InferOutput<typeof statusSchema>;
