/** The clouds of the high-availability scenes: two router VMs that share one table, and what the cloud saw of them. */

import { openstackMissing, type OpenstackRig, startOpenstack } from "../../fakes/openstack/rig.ts";
import { answerMetadata, metadataOf as nova, ownServer, peerServer } from "../../fakes/openstack/rig.ts";
import { opensslMissing } from "../../fakes/certificates.ts";
import { propertiesOf } from "../../fakes/azure/arm_state.ts";
import { addresses as azureAddresses, AzureRig, ids } from "../../fakes/azure/rig.ts";
import { AwsRig, metadataOf as ec2, type RigInstance } from "../../fakes/aws/rig.ts";
import { addresses as gcpAddresses, GcpRig } from "../../fakes/gcp/rig.ts";
import { motoMissing } from "../../fakes/aws/moto.ts";
import { relayInto } from "../../fakes/namespace_relay.ts";
import type { CloudTable } from "../../demo/fabric_agent.ts";
import type { Namespace } from "../namespace.ts";

/** The router that BGP and VRRP like better, and the other one. */
export type Side = "a" | "b";

export type CloudName = "aws" | "azure" | "gcp" | "openstack";

/** A call that changed routes, or tried to. Milliseconds of `performance.now`. */
export interface CloudWrite {
  readonly at: number;
  /** Whether it takes a prefix's last route away, where the call alone tells. */
  readonly deletes: boolean;
}

/** Any call. */
export interface CloudCall {
  /** What it was, so that calls can be counted by kind: `DescribeRouteTables`, `GET routeTables`. */
  readonly what: string;
  /** When it came, in milliseconds of `performance.now`. */
  readonly at: number;
}

/** See the head of this file. */
export interface HaCloud extends AsyncDisposable {
  readonly name: CloudName;
  readonly addresses: Readonly<Record<Side | "gateway", string>>;
  /** Length of the routers' own addresses: 32 on Google Cloud, whose guests have no subnet. */
  readonly length: 24 | 32;
  /** Whether routes of both routers may stand for one prefix. */
  readonly shares: boolean;
  /** Flags of a router. */
  readonly flags: (side: Side) => readonly string[];
  readonly environment: (side: Side) => Readonly<Record<string, string>>;
  readonly reach: (router: Namespace, side: Side) => Promise<AsyncDisposable>;
  /** The table, but for a default route. */
  readonly read: () => Promise<CloudTable>;
  readonly writes: () => readonly CloudWrite[];
  /** How many writes may follow one event that moves so many prefixes: two a router, by the protocol; a write takes one or all. */
  readonly mostWrites: (prefixes: number) => number;
  /** All calls. */
  readonly calls: () => readonly CloudCall[];
  /** How often the table was read. */
  readonly looks: () => number;
  /** Lets the cloud know that a VM stopped, or runs again. */
  readonly setPower: (side: Side, on: boolean) => void;
  /** How many routes the table takes; for measurements. */
  readonly setLimit: (routes: number) => Promise<void>;
  /** How long each call takes, in milliseconds, on stand-ins. */
  readonly setLatency: (ms: number) => void;
}

/** Opens a cloud's test servers. */
export function openHaCloud(name: CloudName): Promise<HaCloud> {
  switch (name) {
    case "aws":
      return openAws();
    case "azure":
      return openAzure();
    case "gcp":
      return Promise.resolve(openGcp());
    case "openstack":
      return openOpenstack();
  }
}

/** Why a cloud's test servers cannot be started here, or null. */
export function serversMissing(name: CloudName): string | null {
  switch (name) {
    case "aws":
      return motoMissing();
    case "azure":
      return opensslMissing();
    case "gcp":
      return null;
    case "openstack":
      return openstackMissing();
  }
}

/** Next hops by prefix of a list of routes; a default route and next hops that are no address of a router are left out. */
function tableOf(routes: Iterable<readonly [prefix: string, hop: string | undefined]>): CloudTable {
  const hops = new Map<string, string[]>();
  for (const [prefix, hop] of routes) {
    if (hop === undefined || prefix === "0.0.0.0/0") continue;
    hops.set(prefix, [...hops.get(prefix) ?? [], hop]);
  }
  return new Map([...hops].map(([prefix, all]) => [prefix, all.sort().join(",")]));
}

/** The kind of a REST call: its method, and its path without what names one resource. */
function kindOf(method: string, path: string): string {
  const [bare = ""] = path.split("?");
  const parts = bare.split("/").filter((part) => part !== "");
  return `${method} ${parts.filter((part) => /^[a-zA-Z]+[sy]$|^[a-z]+[A-Z]/.test(part)).slice(-2).join("/")}`;
}

/** EC2: the clients' subnet B has a table that both routers, in subnet A, are told to keep. */
async function openAws(): Promise<HaCloud> {
  const rig = await AwsRig.start();
  const { vpc, front } = rig;
  const table = await rig.createTable(vpc.vpcId);
  await rig.admin("AssociateRouteTable", { RouteTableId: table, SubnetId: vpc.subnetB });
  const metadata = { a: rig.metadata, b: ec2(vpc, vpc.peer) };
  const vms: Record<Side, RigInstance> = { a: vpc.router, b: vpc.peer };
  const addresses = { a: "10.0.1.10", b: "10.0.1.20", gateway: "10.0.1.1" };
  const hosts = new Map([[vpc.router.interfaceId, addresses.a], [vpc.peer.interfaceId, addresses.b]]);
  return {
    name: "aws",
    addresses,
    length: 24,
    shares: false,
    flags: (side) => ["-route-table", table, "-peer", side === "a" ? addresses.b : addresses.a],
    environment: (side) => ({
      ...rig.environment,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata[side].url,
    }),
    reach: (router, side) => relayInto(router, [front.port, Number(new URL(metadata[side].url).port)]),
    read: async () =>
      tableOf((await rig.routes(table)).map(({ destination, target }) => [destination, hosts.get(target)])),
    writes: () =>
      front.calls.filter(({ action }) => /^(Create|Replace|Delete)Route$/.test(action))
        .map(({ action, at }) => ({ at, deletes: action === "DeleteRoute" })),
    mostWrites: (prefixes) => 4 * prefixes,
    calls: () => front.calls.map(({ action, arrivedAt }) => ({ what: action, at: arrivedAt })),
    looks: () => front.calls.filter(({ action }) => action === "DescribeRouteTables").length,
    setPower: (side, on) =>
      on ? front.startInterface(vms[side].interfaceId) : front.stopInterface(vms[side].interfaceId),
    setLimit: (routes) => {
      front.rules.limit = routes;
      return Promise.resolve();
    },
    setLatency: (ms) => front.faults.latencyMs = ms,
    [Symbol.asyncDispose]: async () => {
      await metadata.b[Symbol.asyncDispose]();
      await rig[Symbol.asyncDispose]();
    },
  };
}

/** Azure: the clients' table of the operators, in which a route has the next hops of both. */
async function openAzure(): Promise<HaCloud> {
  const rig = await AzureRig.start();
  const { arm } = rig;
  rig.placeFormerTable();
  const machines = { a: ids.vm, b: ids.vm.replace(/router$/, "router-b") };
  const second = rig.addVm("router-b", 5);
  const metadata = { a: rig.imds, b: second };
  for (const nic of [ids.nic, ids.nic.replace("router-nic", "router-b-nic")]) {
    const standing = arm.state.show(nic);
    arm.state.place(nic, {
      ...standing,
      properties: { ...propertiesOf(standing), enableIPForwarding: true },
    });
  }
  return {
    name: "azure",
    addresses: { a: azureAddresses.router, b: "10.0.1.5", gateway: "10.0.1.1" },
    length: 24,
    shares: true,
    flags: () => ["-route-table", ids.formerTable],
    environment: (side) => rig.environment(metadata[side]),
    reach: (router, side) => rig.reachableIn(router, metadata[side]),
    read: () => Promise.resolve(tableOf(Object.entries(arm.state.routes(ids.formerTable)))),
    writes: () => arm.writes().map(({ at, method }) => ({ at, deletes: method === "DELETE" })),
    mostWrites: () => 4,
    calls: () => arm.calls.map(({ method, path, at }) => ({ what: kindOf(method, path), at })),
    looks: () =>
      arm.calls.filter(({ method, path }) => method === "GET" && path.endsWith(ids.formerTable)).length,
    setPower: (side, on) => rig.placeMachine(machines[side], on ? "running" : "stopped"),
    setLimit: () => Promise.resolve(),
    setLatency: (ms) => arm.latencyMs = ms,
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

/** Google Cloud: the network is the table, and each router has a route of its own. */
function openGcp(): HaCloud {
  const rig = GcpRig.start();
  const { compute } = rig;
  const addresses = { a: gcpAddresses.router, b: gcpAddresses.neighbour, gateway: gcpAddresses.gateway };
  const names = { a: "router-a", b: "router-b" } as const;
  const hosts = new Map<string, string>([[names.a, addresses.a], [names.b, addresses.b]]);
  const isWrite = (method: string, path: string): boolean =>
    (method === "POST" && path.endsWith("/routes")) || (method === "DELETE" && path.includes("/routes/"));
  return {
    name: "gcp",
    addresses,
    length: 32,
    shares: true,
    flags: () => [],
    environment: (side) => side === "a" ? rig.environment : rig.environmentOfB,
    reach: (router) => rig.relayInto(router),
    read: () =>
      Promise.resolve(
        tableOf(rig.routes.map(({ destRange, nextHopIp, nextHopInstance }) => [
          destRange,
          nextHopIp ?? hosts.get(nextHopInstance?.replace(/^.*\//, "") ?? ""),
        ])),
      ),
    writes: () =>
      compute.calls.filter(({ method, path }) => isWrite(method, path)).map(({ at }) => ({
        at,
        deletes: false,
      })),
    mostWrites: (prefixes) => 4 * prefixes,
    calls: () => compute.calls.map(({ method, path, at }) => ({ what: kindOf(method, path), at })),
    looks: () =>
      compute.calls.filter(({ method, path }) => method === "GET" && path.endsWith("/global/routes")).length,
    setPower: (side, on) => rig.setStatus(names[side], on ? "RUNNING" : "TERMINATED"),
    setLimit: (routes) => {
      rig.net.staticLimit = routes;
      return Promise.resolve();
    },
    setLatency: (ms) => compute.operations.delayMs = ms,
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

/** OpenStack: the Neutron router's extra routes, in which both routers' may stand. */
async function openOpenstack(): Promise<HaCloud> {
  const rig = await startOpenstack();
  await attach(rig, rig.ids.port, ownServer);
  const { proxy } = rig;
  const addresses = { a: "10.0.0.20", b: "10.0.0.30", gateway: "10.0.0.1" };
  const servers = { a: ownServer, b: peerServer };
  const document = nova(rig.ids, { uuid: peerServer, name: "peer", port: rig.ids.neighbour, host: 30 });
  const metadata = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => answerMetadata(request, document),
  );
  const { port } = metadata.addr;
  return {
    name: "openstack",
    addresses,
    length: 24,
    shares: true,
    flags: (side) => ["-peer", side === "a" ? addresses.b : addresses.a],
    environment: (side) => ({
      ...rig.environment(),
      ...(side === "a" ? {} : { CLOUDROUTESYNC_IMDS_ENDPOINT: `http://127.0.0.1:${port}` }),
    }),
    reach: (router) => relayInto(router, [proxy.port, port]),
    read: async () => tableOf((await rig.routes()).map(({ destination, nexthop }) => [destination, nexthop])),
    writes: () => proxy.callsTo(/^PUT .*\/routers\//).map(({ arrivedAt: at }) => ({ at, deletes: false })),
    mostWrites: () => 4,
    calls: () =>
      proxy.calls.map(({ method, path, arrivedAt }) => ({ what: kindOf(method, path), at: arrivedAt })),
    looks: () => proxy.callsTo(/^GET .*\/routers\/[^/]+$/).length,
    setPower: (side, on) => rig.serverStatuses.set(servers[side], on ? "ACTIVE" : "SHUTOFF"),
    setLimit: (routes) => rig.setRouteQuota(routes),
    setLatency: () => {
      throw new Error("Cannot make OpenStack slower: it is the real one");
    },
    [Symbol.asyncDispose]: async () => {
      await metadata.shutdown();
      await rig[Symbol.asyncDispose]();
    },
  };
}

/** Makes a port be a server's. */
async function attach(rig: OpenstackRig, port: string, server: string): Promise<void> {
  await rig.member.neutron("PUT", `ports/${port}`, {
    port: { device_id: server, device_owner: "compute:nova" },
  });
}
