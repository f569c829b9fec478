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
import { associationOf } from "./subnet_association.ts";
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

const roleRemedy =
  "Give the instance a role (an instance profile) with what `cloudroutesync doctor -policy` prints, and see that its " +
  "metadata service answers";

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
      untold: "Service Quotas does not tell this role the limit",
      tell: "Allow servicequotas:GetServiceQuota to have it known before it is reached",
    })
  );
}

async function checkPermissions(context: CheckContext, signal: AbortSignal): Promise<Finding[]> {
  const { api, facts } = context;
  const subnetId = facts.primary.subnetId;
  const findings = [
    await seen("ec2:DescribeSubnets", signal, () => api.seeSubnet(subnetId, signal)),
    await probed(
      "ec2:ModifyNetworkInterfaceAttribute",
      signal,
      () => api.disableSourceDestCheck(facts.primary.id, true, signal),
    ),
  ];
  for (const { table } of context.tables) findings.push(...await probeRoutes(context, table, signal));
  if (!context.handedOver) findings.push(...await probeTable(context, signal));
  return findings;
}

async function probeRoutes(
  context: CheckContext,
  table: Ec2RouteTable,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { api, facts } = context;
  const route = { RouteTableId: table.RouteTableId, DestinationCidrBlock: probePrefix, DryRun: true };
  const toSelf = { ...route, NetworkInterfaceId: facts.primary.id };
  const on = ` on ${table.RouteTableId}`;
  return [
    await probed("ec2:CreateRoute", signal, () => api.createRoute(toSelf, signal), on),
    await probed("ec2:ReplaceRoute", signal, () => api.replaceRoute(toSelf, signal), on),
    await probed("ec2:DeleteRoute", signal, () => api.deleteRoute(route, signal), on),
  ];
}

/** The calls that make, associate and remove a table of its own; those that need a table only once there is one. */
async function probeTable(context: CheckContext, signal: AbortSignal): Promise<Finding[]> {
  const { api, facts, owner } = context;
  const { vpcId, subnetId } = facts.primary;
  const findings = [
    await probed("ec2:CreateRouteTable", signal, () => {
      const Tags = creationTags(owner);
      const TagSpecifications = [{ ResourceType: "route-table" as const, Tags }];
      return api.createRouteTable({ VpcId: vpcId, DryRun: true, TagSpecifications }, signal);
    }),
  ];
  const table = context.tables[0]?.table;
  if (table === undefined) return findings;
  findings.push(
    await probed(
      "ec2:AssociateRouteTable",
      signal,
      () => api.associate(table.RouteTableId, subnetId, true, signal),
    ),
    await probed(
      "ec2:DeleteRouteTable",
      signal,
      () => api.deleteRouteTable(table.RouteTableId, true, signal),
    ),
  );
  const association = associationOf(table, subnetId);
  if (association === null) return findings;
  const id = association.RouteTableAssociationId;
  findings.push(
    await probed(
      "ec2:ReplaceRouteTableAssociation",
      signal,
      () => api.replaceAssociation(id, table.RouteTableId, true, signal),
    ),
    await probed("ec2:DisassociateRouteTable", signal, () => api.disassociate(id, true, signal)),
  );
  return findings;
}

async function seen(action: string, signal: AbortSignal, look: () => Promise<unknown>): Promise<Finding> {
  const name = `permission ${action}`;
  return await finding(name, signal, async () => {
    await look();
    return { name, status: "ok", detail: "Allowed" };
  });
}

/** Makes a dry run: EC2 refuses it with one code if the role may, with another if it may not. */
async function probed(
  action: string,
  signal: AbortSignal,
  dryRun: () => Promise<unknown>,
  on = "",
): Promise<Finding> {
  const name = `permission ${action}${on}`;
  return await finding(name, signal, async () => {
    try {
      await dryRun();
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
