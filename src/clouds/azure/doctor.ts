/** What `doctor` looks at on Azure. */

import type { CloudTable, Finding, TableState } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import type { AzureOptions } from "./flags.ts";
import type { ArmClient } from "./api.ts";
import { nameInId } from "./resource_id.ts";
import { publishedLimit } from "./quota.ts";
import { listResources, readResource, writeResource } from "./resources.ts";
import { type ArmSubnet, routeTableSchema, usageSchema } from "./schemas.ts";
import { usesTable } from "./association.ts";
import { copyFinding } from "../kit/copy_finding.ts";
import { failedFinding, findingOf, findingsOf } from "../kit/doctor.ts";
import { quotaFindings } from "../kit/quota_finding.ts";
import { copyingOf } from "./own_table_making.ts";
import { describeCredential } from "./credentials.ts";
import { enableForwarding, forwardingOf } from "./forwarding.ts";
import { readSubnet, subnetName, type Vm } from "./vm.ts";

/** What there is to look at. */
export interface Examination {
  readonly arm: ArmClient;
  readonly vm: Vm;
  readonly owner: string;
  readonly options: AzureOptions;
  /** Whether to fix what can be fixed safely. */
  readonly fix: boolean;
  readonly tables: () => Promise<readonly CloudTable[]>;
  readonly read: (table: CloudTable) => Promise<TableState>;
  readonly signal: AbortSignal;
}

interface Found extends Examination {
  readonly subnet: ArmSubnet;
  readonly found: readonly CloudTable[];
}

/** No resource ever has this ETag, so a write on condition of it changes nothing: 412 if allowed, 403 if not. */
const impossibleEtag = 'W/"00000000-0000-0000-0000-000000000000"';

/** Looks at everything; a look that fails is a finding, never an error, unless the caller gave up. */
export async function examine(examination: Examination): Promise<readonly Finding[]> {
  const { arm, vm, options, signal } = examination;
  const credential: Finding = {
    name: "credential",
    status: "ok",
    detail: `Azure knows this VM as ${describeCredential(options.environment)}`,
  };
  const findings = [credential, await looked("IP forwarding", () => forwarding(examination), signal)];
  let found: Found;
  try {
    const subnet = await readSubnet(arm, vm.subnetId, signal);
    found = { ...examination, subnet, found: await examination.tables() };
  } catch (error) {
    return [...findings, failedFinding("route table", error, signal, remedyOf)];
  }
  findings.push(await looked("route table", () => association(found), signal));
  for (const table of found.found) {
    findings.push(...await lookAtTable(found, table));
    if (options.routeTables.length === 0) findings.push(await copies(found, table));
  }
  findings.push(await looked("route limit", () => routeLimit(found), signal));
  findings.push(await looked("subnet permission", () => subnetPermission(found), signal));
  return findings;
}

async function lookAtTable(found: Found, table: CloudTable): Promise<Finding[]> {
  const { signal } = found;
  return [
    await looked("route permission", () => tablePermission(found, table), signal),
    ...await findingsOf(`route quota of ${table.name}`, signal, () => quota(found, table), remedyOf),
    await looked("own traffic", () => ownTraffic(found, table), signal),
  ];
}

async function forwarding({ arm, vm, fix, signal }: Examination): Promise<Finding> {
  const { finding, raw } = await forwardingOf(arm, vm, signal);
  if (!fix || finding.status !== "bad" || vm.inScaleSet) return finding;
  await enableForwarding(arm, raw, signal);
  return {
    name: finding.name,
    status: "fixed",
    detail: `Network interface ${raw.name} forwards packets now`,
  };
}

/** Whether the VM's subnet uses the table of our own. */
function association({ options, vm, subnet, found }: Found): Finding {
  const finding = { name: "route table" };
  const name = subnetName(vm.subnetId);
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

async function tablePermission({ arm, signal }: Found, table: CloudTable): Promise<Finding> {
  const action = `write route table ${table.name}`;
  const body = await readResource(
    arm,
    { action: `read route table ${table.name}`, id: table.id },
    routeTableSchema,
    signal,
  );
  await probe(arm, { action, id: table.id, body }, signal);
  return { name: "route permission", status: "ok", detail: `Routes of ${table.name} may be written` };
}

async function subnetPermission({ arm, options, subnet, vm, signal }: Found): Promise<Finding> {
  const finding = { name: "subnet permission" };
  const name = subnetName(vm.subnetId);
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

async function quota({ read }: Found, table: CloudTable): Promise<readonly Finding[]> {
  return quotaFindings((await read(table)).quotas, {
    table: table.name,
    raise: "filter with -include and -exclude, or ask Azure to raise RoutesPerRouteTable",
    unknownLimit: "Azure does not tell the limit",
  });
}

/** Where the limit of routes comes from: a role of a resource group does not reach the subscription, which is asked for it. */
async function routeLimit({ arm, vm, signal }: Found): Promise<Finding> {
  const finding = { name: "route limit" };
  const assumed = `${publishedLimit} routes a table are assumed until one is full before`;
  const path =
    `/subscriptions/${arm.subscription}/providers/Microsoft.Network/locations/${vm.location}/usages`;
  try {
    const usages = await listResources(arm, { action: "read the network quota", path }, usageSchema, signal);
    const limited = usages.find(({ name }) => name.value === "RoutesPerRouteTable");
    return limited === undefined
      ? { ...finding, status: "unknown", detail: `Azure does not list RoutesPerRouteTable: ${assumed}` }
      : { ...finding, status: "ok", detail: `Azure takes ${limited.limit} routes a table` };
  } catch (error) {
    if (!(error instanceof CloudError) || error.kind !== "denied") throw error;
    const remedy =
      `give the identity a role with ${error.action ?? "Microsoft.Network/locations/usages/read"} for the ` +
      "subscription (one of the resource group is not enough)";
    return { ...finding, status: "unknown", detail: `${error.message}: ${assumed}`, remedy };
  }
}

/**
 * The loop of user-defined routes: where the router's own subnet uses the table, a packet that the router forwards out of
 * its Azure interface meets the very route that brought it, and comes back.
 */
async function ownTraffic({ read, subnet, vm }: Found, table: CloudTable): Promise<Finding> {
  const finding = { name: "own traffic" };
  if (!usesTable(subnet, table.id)) {
    return { ...finding, status: "ok", detail: `The router's own subnet does not use ${table.name}` };
  }
  const { routes } = await read(table);
  const self = Object.values(vm.identity.self);
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

/** Whether our table has what its subnets' former tables have. */
async function copies(found: Found, { id, name }: CloudTable): Promise<Finding> {
  const { arm, signal } = found;
  const title = "carried-over routes";
  const nothing = {
    name: title,
    status: "ok",
    detail: `No subnet of ${name} had a route table before`,
  } as const;
  return await looked(title, async () => {
    const own = await readResource(arm, { action: `read route table ${name}`, id }, routeTableSchema, signal);
    const { formers, plan } = await copyingOf(found, own, signal);
    const names = formers.tables.flatMap((table) => table?.name ?? []);
    return copyFinding({ own: name, formers: names, gone: formers.gone, plan }) ?? nothing;
  }, signal);
}

function looked(
  name: string,
  look: () => Finding | Promise<Finding>,
  signal: AbortSignal,
): Promise<Finding> {
  return findingOf(name, signal, look, remedyOf);
}

function remedyOf({ action }: CloudError): string | undefined {
  return action === undefined
    ? undefined
    : `give the identity the action ${action} (doctor -policy prints the least role)`;
}
