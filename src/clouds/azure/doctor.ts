/** What `doctor` looks at on Azure. */

import type { CloudTable, Finding, TableState } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { CloudOptions } from "../cloud_options.ts";
import type { ArmClient } from "./arm_client.ts";
import { nameInId } from "./arm_id.ts";
import { readResource, writeResource } from "./arm_resources.ts";
import { type ArmInterface, type ArmSubnet, interfaceSchema, routeTableSchema } from "./arm_schema.ts";
import { usesTable } from "./association.ts";
import { describeCredential } from "./credential.ts";
import { type Machine, readSubnet, subnetName } from "./machine.ts";

/** What there is to look at. */
export interface Examination {
  readonly options: CloudOptions;
  /** Whether to mend what may be mended. */
  readonly fix: boolean;
  readonly open: () => Promise<{ readonly arm: ArmClient; readonly machine: Machine }>;
  readonly tables: () => Promise<readonly CloudTable[]>;
  readonly read: (table: CloudTable) => Promise<TableState>;
  readonly signal: AbortSignal;
}

interface Patient extends Examination {
  readonly arm: ArmClient;
  readonly machine: Machine;
  readonly subnet: ArmSubnet;
  readonly found: readonly CloudTable[];
}

/** No resource ever has this ETag, so a write on condition of it changes nothing: 412 if allowed, 403 if not. */
const impossibleEtag = 'W/"00000000-0000-0000-0000-000000000000"';

/** Looks at everything; a look that fails is a finding, never an error, unless the caller gave up. */
export async function examine(examination: Examination): Promise<readonly Finding[]> {
  const { signal } = examination;
  const identity = describeCredential(examination.options.environment);
  let patient: Patient;
  try {
    const { arm, machine } = await examination.open();
    const subnet = await readSubnet(arm, machine.subnetId, signal);
    patient = { ...examination, arm, machine, subnet, found: [] };
  } catch (error) {
    return [failed("identity", error, signal)];
  }
  const { machine } = patient;
  const known: Finding = {
    name: "identity",
    status: "ok",
    detail: `This VM is ${machine.name} in ${machine.resourceGroup}; Azure knows it as ${identity}`,
  };
  const findings: Finding[] = [known, ...await looked("IP forwarding", () => forwarding(patient), signal)];
  try {
    patient = { ...patient, found: await examination.tables() };
  } catch (error) {
    return [...findings, failed("route table", error, signal)];
  }
  findings.push(...await looked("route table", () => association(patient), signal));
  for (const table of patient.found) findings.push(...await lookAtTable(patient, table));
  findings.push(...await looked("subnet permission", () => subnetPermission(patient), signal));
  return findings;
}

async function lookAtTable(patient: Patient, table: CloudTable): Promise<Finding[]> {
  const { signal } = patient;
  return [
    ...await looked("route permission", () => tablePermission(patient, table), signal),
    ...await looked("quota", () => quota(patient, table), signal),
    ...await looked("own traffic", () => ownTraffic(patient, table), signal),
  ];
}

/** Azure drops packets of others at an interface that does not forward. */
async function forwarding(patient: Patient): Promise<Finding> {
  const { arm, machine, signal } = patient;
  const name = nameInId(machine.interfaceId, "networkInterfaces");
  const request = {
    action: `read network interface ${name}`,
    id: machine.interfaceId,
    ...scaleSetVersion(machine),
  };
  const raw = await readResource(arm, request, interfaceSchema, signal);
  const finding = { name: "IP forwarding" };
  if (raw.properties.enableIPForwarding === true) {
    return { ...finding, status: "ok", detail: `Network interface ${name} forwards packets` };
  }
  const detail = `Network interface ${name} drops the packets of others: IP forwarding is off`;
  if (machine.inScaleSet) {
    const remedy = "set enableIPForwarding in the scale set's network profile and upgrade its instances";
    return { ...finding, status: "bad", detail, remedy };
  }
  if (!patient.fix) {
    const remedy =
      `run doctor -fix, or: az network nic update --ids ${machine.interfaceId} --ip-forwarding true`;
    return { ...finding, status: "bad", detail, remedy };
  }
  await enableForwarding(arm, raw, signal);
  return { ...finding, status: "fixed", detail: `Network interface ${name} forwards packets now` };
}

async function enableForwarding(arm: ArmClient, raw: ArmInterface, signal: AbortSignal): Promise<void> {
  await writeResource(arm, {
    action: `switch on IP forwarding of network interface ${raw.name}`,
    id: raw.id,
    body: { ...raw, properties: { ...raw.properties, enableIPForwarding: true } },
    ifMatch: raw.etag ?? undefined,
  }, signal);
}

function scaleSetVersion(machine: Machine): { readonly apiVersion?: string } {
  return machine.inScaleSet ? { apiVersion: "2018-10-01" } : {};
}

/** Whether the VM's subnet uses the table of our own. */
function association({ options, machine, subnet, found }: Patient): Finding {
  const finding = { name: "route table" };
  const name = subnetName(machine.subnetId);
  if (options.routeTables.length > 0) {
    return { ...finding, status: "ok", detail: `${found.length} route tables were handed over` };
  }
  const [own] = found;
  if (own !== undefined && usesTable(subnet, own.id)) {
    return { ...finding, status: "ok", detail: `Subnet ${name} uses route table ${own.name}` };
  }
  const used = subnet.properties.routeTable?.id;
  const uses = used === undefined ? "no route table" : `route table ${nameInId(used, "routeTables")}`;
  if (options.noAssociate) {
    const remedy = "leave out -no-associate, or hand a table over with -route-table";
    return {
      ...finding,
      status: "bad",
      detail: `Subnet ${name} uses ${uses}, and -no-associate keeps it so`,
      remedy,
    };
  }
  const detail =
    `Subnet ${name} uses ${uses}; the first run makes a table of our own, which takes over its routes`;
  return { ...finding, status: "ok", detail };
}

async function tablePermission({ arm, signal }: Patient, table: CloudTable): Promise<Finding> {
  const action = `write route table ${table.name}`;
  const body = await readResource(
    arm,
    { action: `read route table ${table.name}`, id: table.id },
    routeTableSchema,
    signal,
  );
  await probe(arm, { action, id: table.id, body }, signal);
  // Deleting a route that is not there is no change: 204 if allowed.
  await arm.send({
    action: `delete a route of ${table.name}`,
    method: "DELETE",
    path: `${table.id}/routes/cloudroutesync-probe`,
    signal,
  });
  return { name: "route permission", status: "ok", detail: `Routes of ${table.name} may be written` };
}

async function subnetPermission({ arm, options, subnet, machine, signal }: Patient): Promise<Finding> {
  const finding = { name: "subnet permission" };
  const name = subnetName(machine.subnetId);
  if (options.routeTables.length > 0 || options.noAssociate) {
    return { ...finding, status: "ok", detail: `Subnet ${name} need not be written` };
  }
  await probe(arm, { action: `write subnet ${name}`, id: subnet.id, body: subnet }, signal);
  return { ...finding, status: "ok", detail: `Subnet ${name} may be written` };
}

/** Writes a resource as it is, on a condition that never holds: only a refusal for want of permission is an error. */
async function probe(
  arm: ArmClient,
  write: { readonly action: string; readonly id: string; readonly body: unknown },
  signal: AbortSignal,
): Promise<void> {
  try {
    await writeResource(arm, { ...write, ifMatch: impossibleEtag }, signal);
  } catch (error) {
    if (!(error instanceof CloudError) || error.kind !== "conflict") throw error;
  }
}

async function quota({ read }: Patient, table: CloudTable): Promise<Finding> {
  const { quotas } = await read(table);
  const { used, limit } = quotas[0] ?? { used: 0, limit: null };
  const detail = `Route table ${table.name} has ${used} of ${limit ?? "?"} routes`;
  if (limit === null || used < limit * 0.9) return { name: "quota", status: "ok", detail };
  const remedy = "filter with -include and -exclude, or ask Azure to raise RoutesPerRouteTable";
  return { name: "quota", status: used < limit ? "ok" : "bad", detail, remedy };
}

/**
 * The loop of user-defined routes: where the router's own subnet uses the table, a packet that the router forwards out of
 * its Azure interface meets the very route that brought it, and comes back.
 */
async function ownTraffic({ read, subnet, machine }: Patient, table: CloudTable): Promise<Finding> {
  const finding = { name: "own traffic" };
  if (!usesTable(subnet, table.id)) {
    return { ...finding, status: "ok", detail: `The router's own subnet does not use ${table.name}` };
  }
  const { routes } = await read(table);
  const self = Object.values(machine.identity.self);
  const toSelf = routes.filter((route) => route.nextHops.some((nextHop) => self.includes(nextHop)));
  if (toSelf.length === 0) {
    return { ...finding, status: "ok", detail: `No route of ${table.name} points at this VM` };
  }
  return {
    ...finding,
    status: "unknown",
    detail:
      `${toSelf.length} routes of ${table.name} point at this VM, and its own subnet uses that table: what it ` +
      `forwards out of its Azure interface comes back to it; what leaves by a tunnel does not`,
    remedy:
      "put the router into a subnet of its own and hand it the clients' table with -route-table, unless all of " +
      "its peers are behind tunnels",
  };
}

async function looked(
  name: string,
  look: () => Finding | Promise<Finding>,
  signal: AbortSignal,
): Promise<Finding[]> {
  try {
    return [await look()];
  } catch (error) {
    return [failed(name, error, signal)];
  }
}

function failed(name: string, error: unknown, signal: AbortSignal): Finding {
  signal.throwIfAborted();
  if (!(error instanceof CloudError)) throw error;
  const status = error.kind === "unavailable" || error.kind === "throttled" ? "unknown" : "bad";
  const remedy = error.action === undefined
    ? {}
    : { remedy: `give the identity the action ${error.action} (doctor -policy prints the least role)` };
  return { name, status, detail: error.message, ...remedy };
}
