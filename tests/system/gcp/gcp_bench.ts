/** Google Cloud on the fake API and metadata server, for tests that make single calls. */

import assert from "node:assert/strict";
import type { Change, CloudRoute, CloudTable, TableState } from "../../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import type { AnyCloudOptions } from "../../fakes/cloud_options.ts";
import { openGcp } from "../../../src/clouds/gcp/gcp.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import type { Fault } from "../../fakes/gcp/compute.ts";
import { GcpRig, type GcpRigOptions } from "../../fakes/gcp/rig.ts";
import { ConnectedCloud } from "../../fakes/connected_cloud.ts";

/** Nobody gives up. */
export const signal = new AbortController().signal;
/** What routes to this VM point at, in the program's ids. */
export const self = "projects/prod/zones/europe-west1-b/instances/router-a";

/** A cloud opened on a rig of its own. */
export interface Bench {
  readonly rig: GcpRig;
  readonly cloud: ConnectedCloud;
  readonly table: CloudTable;
  read(): Promise<TableState>;
  write(...changes: readonly Change[]): Promise<readonly (CloudErrorKind | null)[]>;
}

/** Makes a test with a rig of its own, whose rules nothing may have broken at its end. */
export function test(
  name: string,
  body: (bench: Bench) => Promise<void>,
  rigOptions: GcpRigOptions = {},
  options: Partial<AnyCloudOptions> = {},
): void {
  Deno.test(name, async () => {
    await using rig = GcpRig.start(rigOptions);
    const cloud = new ConnectedCloud(openGcp(rig.options(options)));
    const [table] = await cloud.prepare(signal);
    assert.ok(table !== undefined);
    const read = (): Promise<TableState> => cloud.read(table, signal);
    const write = async (...changes: readonly Change[]): Promise<readonly (CloudErrorKind | null)[]> => {
      const { outcomes } = await cloud.write(table, changes, await read(), signal);
      return outcomes.map((outcome) => outcome?.kind ?? null);
    };
    await body({ rig, cloud, table, read, write });
    assert.deepEqual(rig.compute.violations, []);
  });
}

/** An add of a prefix. */
export function add(prefix: string, ...to: readonly string[]): Change {
  return { action: "add", prefix: parsePrefix(prefix), from: null, to };
}

/** The owned routes of a prefix as the reconciler folds them. */
export function folded(state: TableState, prefix: string): CloudRoute {
  const own = state.routes.filter((route) => route.owner === "edge" && route.prefix.text === prefix);
  const [first] = own;
  assert.ok(first !== undefined, `no route of ours to ${prefix}`);
  const ids = own.flatMap(({ id }) => id ?? []);
  return { ...first, nextHops: own.flatMap((route) => route.nextHops).sort(), ids };
}

/** A change of what the routes of ours to a prefix point at. */
export async function replace(bench: Bench, prefix: string, ...to: readonly string[]): Promise<Change> {
  return { action: "replace", prefix: parsePrefix(prefix), from: folded(await bench.read(), prefix), to };
}

/** The deletion of the routes of ours to a prefix. */
export async function remove(bench: Bench, prefix: string): Promise<Change> {
  return {
    action: "delete",
    prefix: parsePrefix(prefix),
    from: folded(await bench.read(), prefix),
    to: null,
  };
}

/** A fault for the requests whose path ends so; for one of them unless told. */
export function fault(path: string, show: Fault["show"], times = 1, method?: string): Fault {
  return { path, show, times, ...(method === undefined ? {} : { method }) };
}

/** The CloudError of a call that must fail. */
export async function rejection(promise: Promise<unknown>): Promise<CloudError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof CloudError) return error;
    throw error;
  }
  return assert.fail("it did not throw");
}

/** A network that `net` is peered with; it does not import the public range. */
export function peer({ net }: GcpRig): void {
  net.peerings.push(
    {
      name: "to-services",
      network: "projects/services/global/networks/services",
      state: "ACTIVE",
      routes: [
        { destRange: "10.200.0.0/20", type: "SUBNET_PEERING_ROUTE", imported: true },
        { destRange: "fd20:0:0:9::/64", type: "SUBNET_PEERING_ROUTE", imported: true },
        { destRange: "192.0.2.0/24", type: "SUBNET_PEERING_ROUTE", imported: false },
        { destRange: "198.51.100.0/24", type: "STATIC_PEERING_ROUTE", imported: true },
      ],
    },
    { name: "half-made", network: "projects/p/global/networks/n", state: "INACTIVE", routes: [] },
  );
}
