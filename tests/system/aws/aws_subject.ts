/** AWS as a Cloud against moto behind the strict front, for tests that make single calls. */

import assert from "node:assert/strict";
import type { Clock } from "../../../src/async/clock.ts";
import { systemClock } from "../../../src/async/system_clock.ts";
import { openAws } from "../../../src/clouds/aws/aws.ts";
import type { Change, CloudTable, Finding, TableState } from "../../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import { Moto, motoMissing } from "../../fakes/aws/moto.ts";
import { AwsRig } from "../../fakes/aws/rig.ts";
import { type AnyCloudOptions, cloudOptions } from "../../fakes/cloud_options.ts";
import { ConnectedCloud } from "../../fakes/connected_cloud.ts";
import { skips } from "../../needs.ts";

const ignore = skips(motoMissing());
/** One for all tests of a file: it takes two seconds to start. */
let moto: Moto | null = null;

/** Ends what the tests of a file share. */
export async function endMoto(): Promise<void> {
  await moto?.[Symbol.asyncDispose]();
}

/** What the SDK reads from the process itself; the tests of one process run one after the other. */
const sdkVariables = ["AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/** What a test works with. */
export interface Subject {
  readonly rig: AwsRig;
  /** Opens the cloud, with a clock of the test's own where one is given. */
  readonly open: (options?: Partial<AnyCloudOptions>, clock?: Partial<Clock>) => ConnectedCloud;
}

/** Makes a test. The file that does must call {@linkcode endMoto} after all. */
export function rigTest(name: string, body: (subject: Subject) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    // The SDK keeps its connections open for the next call.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      await using rig = await AwsRig.start(moto ??= await Moto.start());
      const former = sdkVariables.map((variable) => [variable, Deno.env.get(variable)] as const);
      for (const variable of sdkVariables) Deno.env.delete(variable);
      Deno.env.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", rig.metadata.url);
      try {
        await body({
          rig,
          open: (options, clock) =>
            new ConnectedCloud(openAws(optionsOf(rig, options), { ...systemClock, ...clock })),
        });
      } finally {
        for (const [variable, value] of former) {
          if (value === undefined) Deno.env.delete(variable);
          else Deno.env.set(variable, value);
        }
      }
    },
  });
}

/** The options of a cloud on a rig. */
export function optionsOf(rig: AwsRig, options: Partial<AnyCloudOptions> = {}): AnyCloudOptions {
  return cloudOptions({ environment: (name) => rig.environment[name], ...options });
}

/** Ends a test that hangs. */
export const signal = AbortSignal.timeout(300_000);

/** Makes the one table ready and reads it. */
export async function prepared(
  cloud: ConnectedCloud,
): Promise<{ readonly table: CloudTable; readonly state: TableState }> {
  const [table] = await cloud.prepare(signal);
  assert.ok(table);
  return { table, state: await cloud.read(table, signal) };
}

export function add(prefix: string, to: string): Change {
  return { action: "add", prefix: parsePrefix(prefix), from: null, to: [to] };
}

export function replace(state: TableState, prefix: string, to: string): Change {
  return { action: "replace", prefix: parsePrefix(prefix), from: routeOf(state, prefix), to: [to] };
}

export function withdraw(state: TableState, prefix: string): Change {
  return { action: "delete", prefix: parsePrefix(prefix), from: routeOf(state, prefix), to: null };
}

/** The route of a prefix as it was read; where there is none, one that points at an interface that nobody has. */
export function routeOf(state: TableState, prefix: string): TableState["routes"][number] {
  return state.routes.find((route) => route.prefix.text === prefix) ??
    { prefix: parsePrefix(prefix), nextHops: ["eni-0"], owner: null };
}

/** Writes one change. @returns why it is not done. */
export async function write(
  cloud: ConnectedCloud,
  { table, state }: { readonly table: CloudTable; readonly state: TableState },
  change: Change,
): Promise<CloudError | null> {
  const { outcomes } = await cloud.write(table, [change], state, signal);
  assert.equal(outcomes.length, 1);
  return outcomes[0] ?? null;
}

/** The status of the finding whose name begins so. */
export function statusOf(findings: readonly Finding[], name: string): string | undefined {
  return findings.find((finding) => finding.name.startsWith(name))?.status;
}

/** For `assert.rejects`: a CloudError of this kind. */
export const isKind = (kind: CloudErrorKind) => (error: unknown): boolean =>
  error instanceof CloudError && error.kind === kind;
