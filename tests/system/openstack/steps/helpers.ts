/** What the steps against the real Keystone and Neutron share. */

import assert from "node:assert/strict";
import type { Change, CloudRoute, CloudTable, TableState } from "../../../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../../../src/clouds/cloud_error.ts";
import type { AnyCloudOptions } from "../../../fakes/cloud_options.ts";
import { openOpenstack } from "../../../../src/clouds/openstack/openstack.ts";
import { parsePrefix } from "../../../../src/routes/prefix.ts";
import { ConnectedCloud } from "../../../fakes/connected_cloud.ts";
import { openstackOptions } from "../../../fakes/openstack/options.ts";
import type { ExtraRoute, OpenstackRig } from "../../../fakes/openstack/rig.ts";

/** This VM, and its neighbour. */
export const self = "10.0.0.20";
export const peer = "10.0.0.30";

/** An opened cloud and its table. */
export interface Ready {
  readonly cloud: ConnectedCloud;
  readonly read: () => Promise<TableState>;
  readonly write: (changes: readonly Change[], state: TableState) => ReturnType<ConnectedCloud["write"]>;
}

export function open(rig: OpenstackRig, changes: Partial<AnyCloudOptions> = {}): ConnectedCloud {
  return new ConnectedCloud(openOpenstack(openstackOptions(rig.environment(), changes)));
}

export async function ready(rig: OpenstackRig, environment = rig.environment()): Promise<Ready> {
  const cloud = new ConnectedCloud(openOpenstack(openstackOptions(environment)));
  const [table] = await cloud.prepare(signal());
  assert.ok(table !== undefined);
  const known: CloudTable = table;
  return {
    cloud,
    read: () => cloud.read(known, signal()),
    write: (changes, state) => cloud.write(known, changes, state, signal()),
  };
}

export function add(prefix: string, ...to: string[]): Change {
  return { action: "add", prefix: parsePrefix(prefix), from: null, to };
}

export function replace(prefix: string, from: string[], to: string[]): Change {
  return { action: "replace", prefix: parsePrefix(prefix), from: route(prefix, from), to };
}

export function withdraw(prefix: string, ...from: string[]): Change {
  return { action: "delete", prefix: parsePrefix(prefix), from: route(prefix, from), to: null };
}

export function route(prefix: string, nextHops: string[]): CloudRoute {
  return { prefix: parsePrefix(prefix), nextHops, owner: null };
}

export function routeText({ prefix, nextHops }: CloudRoute): string {
  return `${prefix.text} > ${nextHops.join(", ")}`;
}

export function texts(values: readonly { readonly text: string }[]): string[] {
  return values.map(({ text }) => text).sort();
}

export function signal(): AbortSignal {
  return new AbortController().signal;
}

export async function rejects(
  promise: Promise<unknown>,
  kind: CloudErrorKind,
  message: RegExp,
): Promise<CloudError> {
  const error = await promise.then(() => null, (reason) => reason);
  assert.ok(error instanceof CloudError, `expected a CloudError, got ${error}`);
  assert.equal(error.kind, kind, error.message);
  assert.match(error.message, message);
  return error;
}

/** The addresses that this VM's port may use besides its own, sorted. */
export async function portPairs(rig: OpenstackRig): Promise<string[]> {
  const port = await rig.member.neutron("GET", `ports/${rig.ids.port}?fields=allowed_address_pairs`);
  const { allowed_address_pairs: pairs } = port.port as { allowed_address_pairs: { ip_address: string }[] };
  return pairs.map((pair) => pair.ip_address).sort();
}

/** Sets them, as an operator with another tool does. */
export async function setPortPairs(rig: OpenstackRig, addresses: readonly string[]): Promise<void> {
  const pairs = addresses.map((address) => ({ ip_address: address }));
  await rig.member.neutron("PUT", `ports/${rig.ids.port}`, { port: { allowed_address_pairs: pairs } });
}

/** As Neutron answered before version 29. */
export function routesExhausted(limit: number): Response {
  const message = `Unable to complete operation for r. The number of routes exceeds the maximum ${limit}.`;
  return Response.json({ NeutronError: { type: "RoutesExhausted", message, detail: "" } }, { status: 400 });
}

/** Makes Neutron look as if it had no `extraroute-atomic`. */
export function hideAtomic(rig: OpenstackRig): void {
  hideExtension(rig, "extraroute-atomic");
  rig.proxy.inject({ match: /extraroutes/, answer: () => new Response("", { status: 404 }) });
}

export function hideExtension(rig: OpenstackRig, hidden: string): void {
  rig.proxy.inject({
    match: /GET \/network\/v2.0\/extensions/,
    change: async (response) => {
      const { extensions } = await response.json() as { extensions: { alias: string }[] };
      return Response.json({ extensions: extensions.filter(({ alias }) => alias !== hidden) });
    },
  });
}

/** Has another add a route as soon as the router was read once more. */
export function afterReading(rig: OpenstackRig, route: ExtraRoute): void {
  rig.proxy.inject({
    match: /GET .*\/routers\//,
    times: 1,
    change: async (response) => {
      await rig.addRoutes([route]);
      return response;
    },
  });
}

export async function withExpiry(response: Response, expiresAt: string): Promise<Response> {
  const body = await response.json();
  body.token.expires_at = expiresAt;
  return Response.json(body, { status: response.status, headers: response.headers });
}
