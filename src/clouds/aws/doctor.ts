/** What `doctor` looks at on AWS. A finding is never an exception: what cannot be seen is `unknown`. */

import type { CloudQuota, Finding } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { copyFinding } from "../kit/copy_finding.ts";
import { findingOf } from "../kit/doctor.ts";
import { quotaFindings } from "../kit/quota_finding.ts";
import { dryRunSucceeded, lacksCredentials } from "./errors.ts";
import { sourceDestCheck, sourceDestFinding } from "./forwarding.ts";
import type { Ec2RouteTable } from "./schemas.ts";
import type { Ec2Api } from "./api.ts";
import { hopLimitAdvice, type InstanceFacts } from "./metadata.ts";
import { copyingOf } from "./own_table_copy.ts";
import { associationOf } from "./association.ts";
import { roleRemedy } from "./role_credentials.ts";
import { creationTags } from "./tags.ts";

/** What the checks work with. */
export interface CheckContext {
  readonly api: Ec2Api;
  readonly facts: InstanceFacts;
  readonly owner: string;
  readonly fix: boolean;
  /** Whether tables were handed over: then nothing is created or associated. */
  readonly handedOver: boolean;
  /** The tables to keep in step, as far as they exist. */
  readonly tables: readonly { readonly table: Ec2RouteTable; readonly quotas: readonly CloudQuota[] }[];
}

/** Documentation prefix (RFC 5737): never a real route, and a dry run creates nothing anyway. */
const probePrefix = "203.0.113.0/24";

/** All that can be checked once this VM is identified. */
export async function checkAws(context: CheckContext, signal: AbortSignal): Promise<Finding[]> {
  return [
    await checkSourceDest(context, signal),
    await checkHopLimit(context, signal),
    checkAssociation(context),
    ...await checkCopies(context, signal),
    ...checkQuota(context),
    ...await checkPermissions(context, signal),
  ];
}

async function checkSourceDest({ api, facts, fix }: CheckContext, signal: AbortSignal): Promise<Finding> {
  const { id } = facts.primary;
  return await finding(sourceDestCheck, signal, async () => {
    const seen = await sourceDestFinding(api, id, signal);
    if (!fix || seen.status !== "bad") return seen;
    await api.disableSourceDestCheck(id, false, signal);
    return { name: sourceDestCheck, status: "fixed", detail: `Switched off the source/dest check of ${id}` };
  });
}

async function checkHopLimit(context: CheckContext, signal: AbortSignal): Promise<Finding> {
  const name = "metadata hop limit";
  return await finding(name, signal, async () => {
    const limit = await context.api.metadataHopLimit(context.facts.instanceId, signal);
    if (limit === null) {
      return { name, status: "unknown", detail: "EC2 does not say", remedy: hopLimitAdvice };
    }
    // This very program got its answer, so any limit is enough for where it runs now.
    const detail = limit > 1
      ? `HttpPutResponseHopLimit is ${limit}: containers reach the metadata service too`
      : "HttpPutResponseHopLimit is 1: enough here, not inside a container";
    return limit > 1
      ? { name, status: "ok", detail }
      : { name, status: "ok", detail, remedy: hopLimitAdvice };
  });
}

function checkAssociation(context: CheckContext): Finding {
  const name = "route table association";
  const { subnetId, id } = context.facts.primary;
  const ids = context.tables.map(({ table }) => table.RouteTableId).join(", ");
  if (context.handedOver) {
    return { name, status: "ok", detail: `Tables ${ids} were handed over and stay as they are` };
  }
  if (context.tables.length === 0) {
    const detail = `Owner ${context.owner} has no table yet; \`run\` creates one and associates ${subnetId}`;
    return { name, status: "ok", detail };
  }
  const uses = context.tables.some(({ table }) => associationOf(table, subnetId) !== null);
  if (uses) return { name, status: "ok", detail: `Subnet ${subnetId} of ${id} uses ${ids}` };
  return {
    name,
    status: "bad",
    detail: `Subnet ${subnetId} of ${id} does not use ${ids}`,
    remedy: "run cloudroutesync apply: it associates the subnet and carries its present routes over",
  };
}

/** Whether tables of our own have what their subnets' former tables have. */
async function checkCopies(
  { api, handedOver, tables }: CheckContext,
  signal: AbortSignal,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { table } of handedOver ? [] : tables) {
    const name = "carried-over routes";
    const found = await findingOf(name, signal, async () => {
      const { formers, plan } = await copyingOf(api, table, signal);
      const names = formers.tables.map(({ RouteTableId }) => RouteTableId);
      return copyFinding({ own: table.RouteTableId, formers: names, gone: formers.gone, plan }) ??
        { name, status: "ok", detail: `${table.RouteTableId} was given to no subnet yet` };
    }, remedyOf);
    findings.push(found);
  }
  return findings;
}

function checkQuota(context: CheckContext): Finding[] {
  return context.tables.flatMap(({ table, quotas }) =>
    quotaFindings(quotas, {
      table: table.RouteTableId,
      raise: 'Raise "Routes per route table" (vpc, L-93826ACB) in Service Quotas, or filter with -include',
      unknownLimit: "Service Quotas does not tell this role the limit",
      unknownRemedy: "Allow servicequotas:GetServiceQuota to have it known before it is reached",
    })
  );
}

/** A call that a permission is tried with: none of them changes anything. */
interface Probe {
  readonly action: string;
  /** What it is tried on, where it is tried on several tables. */
  readonly on?: string;
  readonly call: () => Promise<unknown>;
}

async function checkPermissions(context: CheckContext, signal: AbortSignal): Promise<Finding[]> {
  const { api, facts: { primary }, tables, handedOver } = context;
  const probes: readonly Probe[] = [
    { action: "ec2:DescribeSubnets", call: () => api.seeSubnet(primary.subnetId, signal) },
    {
      action: "ec2:ModifyNetworkInterfaceAttribute",
      call: () => api.disableSourceDestCheck(primary.id, true, signal),
    },
    ...tables.flatMap(({ table }) => routeProbes(context, table, signal)),
    ...handedOver ? [] : tableProbes(context, signal),
  ];
  const findings: Finding[] = [];
  for (const probe of probes) findings.push(await probed(probe, signal));
  return findings;
}

function routeProbes(
  { api, facts }: CheckContext,
  { RouteTableId }: Ec2RouteTable,
  signal: AbortSignal,
): Probe[] {
  const route = { RouteTableId, DestinationCidrBlock: probePrefix, DryRun: true };
  const toSelf = { ...route, NetworkInterfaceId: facts.primary.id };
  const on = ` on ${RouteTableId}`;
  return [
    { action: "ec2:CreateRoute", on, call: () => api.createRoute(toSelf, signal) },
    { action: "ec2:ReplaceRoute", on, call: () => api.replaceRoute(toSelf, signal) },
    { action: "ec2:DeleteRoute", on, call: () => api.deleteRoute(route, signal) },
  ];
}

/** The calls that make, associate and remove a table of its own; those that need a table only once there is one. */
function tableProbes({ api, facts, owner, tables }: CheckContext, signal: AbortSignal): Probe[] {
  const { vpcId, subnetId } = facts.primary;
  const TagSpecifications = [{ ResourceType: "route-table" as const, Tags: creationTags(owner) }];
  const input = { VpcId: vpcId, DryRun: true, TagSpecifications };
  const creation = { action: "ec2:CreateRouteTable", call: () => api.createRouteTable(input, signal) };
  const table = tables[0]?.table;
  if (table === undefined) return [creation];
  const id = table.RouteTableId;
  const probes = [
    creation,
    { action: "ec2:AssociateRouteTable", call: () => api.associate(id, subnetId, true, signal) },
    { action: "ec2:DeleteRouteTable", call: () => api.deleteRouteTable(id, true, signal) },
  ];
  const association = associationOf(table, subnetId)?.RouteTableAssociationId;
  if (association === undefined) return probes;
  return [
    ...probes,
    {
      action: "ec2:ReplaceRouteTableAssociation",
      call: () => api.replaceAssociation(association, id, true, signal),
    },
    { action: "ec2:DisassociateRouteTable", call: () => api.disassociate(association, true, signal) },
  ];
}

/** Makes a call: EC2 refuses a dry run with one code if the role may, with another if it may not. */
async function probed({ action, on = "", call }: Probe, signal: AbortSignal): Promise<Finding> {
  const name = `permission ${action}${on}`;
  return await finding(name, signal, async () => {
    try {
      await call();
    } catch (error) {
      if (!(error instanceof CloudError) || error.code !== dryRunSucceeded) throw error;
    }
    return { name, status: "ok", detail: "Allowed" };
  });
}

function finding(name: string, signal: AbortSignal, look: () => Promise<Finding>): Promise<Finding> {
  return findingOf(name, signal, look, remedyOf);
}

/** What to do about an error of EC2's. */
export function remedyOf(error: CloudError): string | undefined {
  if (lacksCredentials(error)) return roleRemedy;
  if (error.kind !== "denied") return undefined;
  return `Allow ${
    error.action ?? "the call"
  } in the role's policy (\`cloudroutesync doctor -policy\` prints it)`;
}
