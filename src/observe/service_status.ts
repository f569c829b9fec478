/** The document of `status`: how the running service stands, in the order in which a person who was woken asks. Pure. */

import type { Finding } from "../clouds/cloud.ts";
import { errorFacts } from "../clouds/cloud_error.ts";
import type { ChangeRecord } from "../sync/change_history.ts";
import type { CloudCalls } from "./cloud_calls.ts";
import { clockText, remedyOf } from "../sync/error_text.ts";
import { knownCounts } from "../sync/sync_status.ts";
import { healthOf, type Observed } from "./health.ts";
import { tableErrors } from "./table_errors.ts";

/** What is known of the service itself. */
export interface ServiceFacts {
  readonly pid: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly owner: string;
  /** This VM in the cloud's words; null until the cloud has said it. */
  readonly instance: string | null;
  /** The flags that were given, with the place each came from; the others have their default. */
  readonly settings: readonly { readonly flag: string; readonly value: string; readonly source: string }[];
  /** Since when the verdict is what it is, milliseconds since the epoch. */
  readonly since: number;
  /** Number of kernel routes that are not wanted, by reason; null where there are too many to count them for a status. */
  readonly dropped: Readonly<Record<string, number>> | null;
  readonly calls: Pick<CloudCalls, "figures" | "lastRead" | "lastWrite">;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** One prefix with a problem, and the command that helps. */
interface ProblemPrefix {
  readonly prefix: string;
  readonly table: string;
  readonly problem: string;
  readonly command: string;
}

/** Prefixes that a status names; the others are counted. */
const mostPrefixes = 20;
/** Changes that it tells. */
const mostChanges = 20;

/** Makes the document. */
export function serviceStatus(observed: Observed, facts: ServiceFacts): Readonly<Record<string, unknown>> {
  const health = healthOf(observed);
  const time = (ms: number): string => new Date(ms).toISOString();
  const timeOrNull = (ms: number | null): string | null => ms === null ? null : time(ms);
  const held = observed.tables.filter((table) => table.held > 0);
  const problems = observed.tables.flatMap(problemPrefixes);
  return {
    format: 2,
    state: health.state,
    why: health.why,
    inStep: health.inStep,
    since: time(facts.since),
    held: held.map((table) => ({
      table: table.table,
      count: table.held,
      why: table.heldWhy,
      until: table.heldUntil === null ? null : time(table.heldUntil),
      release: "cloudroutesync release",
    })),
    service: {
      version: observed.version,
      pid: facts.pid,
      startedAt: time(facts.startedAt),
      uptimeSeconds: Math.floor((facts.now - facts.startedAt) / 1000),
      cloud: observed.cloud,
      instance: facts.instance,
      owner: facts.owner,
      tables: observed.tables.map(({ table }) => table),
      settings: facts.settings,
    },
    carries: carriesOf(observed),
    peers: observed.peers.map(({ since, ...peer }) => ({ ...peer, since: timeOrNull(since) })),
    flow: {
      kernelRoutes: observed.kernelRoutes,
      wanted: observed.wanted,
      dropped: facts.dropped,
      tables: observed.tables.map((table) => ({
        table: table.table,
        known: table.known,
        inStep: table.inStep,
        inStepSince: timeOrNull(table.inStepSince),
        ...countsOf(table),
        standby: table.standby.length,
        overQuota: table.overQuota.length,
        conflicts: table.conflicts.length,
        quotas: table.quotas,
        reads: table.reads,
        writes: table.writes,
        causes: table.causes,
        failures: table.failures,
      })),
    },
    cloud: {
      tables: observed.tables.map((table) => ({
        table: table.table,
        lastReading: timeOrNull(facts.calls.lastRead(table.table)),
        lastWrite: timeOrNull(facts.calls.lastWrite(table.table)),
        nextTry: timeOrNull(table.nextTryAt),
      })),
      calls: facts.calls.figures,
      limiters: observed.limiters.map(({ throttledUntil, ...limiter }) => ({
        ...limiter,
        throttledUntil: timeOrNull(throttledUntil),
      })),
    },
    changes: changesOf(observed).map(({ at, ...change }) => ({ time: time(at), ...change })),
    errors: observed.tables.flatMap((table) =>
      tableErrors(table).slice(0, mostPrefixes).map(({ error, prefix, further, nextTryAt }) => ({
        table: table.table,
        prefix,
        further,
        ...errorFacts(error),
        remedy: remedyOf(error) ?? null,
        nextTry: timeOrNull(nextTryAt),
      }))
    ),
    problems: problems.slice(0, mostPrefixes),
    furtherProblems: Math.max(0, problems.length - mostPrefixes),
  };
}

/** One answer to whether packets pass. */
type Carries = Omit<Finding, "remedy"> & { readonly remedy: string | null };

/** Whether packets pass: kernel and cloud forward, and the VM's subnets use the tables. */
function carriesOf({ forwarding, tables }: Observed): readonly Carries[] {
  const ofTables = tables.filter(({ known }) => known).flatMap(usesOf);
  return [...forwarding, ...ofTables].map(({ remedy = null, ...finding }) => ({ ...finding, remedy }));
}

function usesOf({ table, problems, ownSubnets }: Observed["tables"][number]): readonly Finding[] {
  const name = `table ${table}`;
  if (problems.length > 0) return problems.map((detail) => ({ name, status: "bad", detail }));
  if (ownSubnets.length === 0) return [];
  return [{ name, status: "ok", detail: `used by this VM's subnet ${ownSubnets.join(", ")}` }];
}

function countsOf(
  table: Observed["tables"][number],
): Readonly<Record<"owned" | "foreign" | "peers" | "pending" | "held", number | null>> {
  const { peerRoutes: peers, ...counts } = knownCounts(table);
  return { ...counts, peers };
}

/** The last changes of all tables, the newest first. */
function changesOf({ tables }: Observed): readonly (ChangeRecord & { readonly table: string })[] {
  return tables.flatMap(({ table, changes }) =>
    changes.slice(0, mostChanges).map((each) => ({ table, ...each }))
  )
    .sort((one, other) => other.at - one.at)
    .slice(0, mostChanges);
}

function problemPrefixes(table: Observed["tables"][number]): ProblemPrefix[] {
  const of = (prefix: string, problem: string, command: string): ProblemPrefix => ({
    prefix,
    table: table.table,
    problem,
    command,
  });
  return [
    ...table.conflicts.map((prefix) =>
      of(prefix, "blocked by a foreign route", `cloudroutesync explain ${prefix} (-adopt takes it over)`)
    ),
    ...table.looping.map(({ prefix }) => of(prefix, "would loop", `cloudroutesync explain ${prefix}`)),
    ...table.overQuota.map((prefix) => of(prefix, "over quota", "cloudroutesync doctor")),
    ...table.damped.map(({ prefix, until }) =>
      of(
        prefix,
        `flapped too often; its latest state is written at ${clockText(until)}`,
        `cloudroutesync explain ${prefix}`,
      )
    ),
  ];
}
