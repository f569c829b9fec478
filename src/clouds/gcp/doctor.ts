/** What `doctor` looks at on Google Cloud. */

import type { Finding, TableState } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { failedFinding, findingOf, findingsOf, requirement } from "../kit/doctor.ts";
import type { MissingTable } from "../kit/given_tables.ts";
import { quotaFindings } from "../kit/quota_finding.ts";
import { permissionsAnswer } from "./schemas.ts";
import { type ComputeApi, computeEndpoint } from "./api.ts";
import { scopeRemedy } from "./errors.ts";
import { forwardingFinding } from "./forwarding.ts";
import type { LoadBalancer } from "./load_balancer.ts";
import type { MetadataServer } from "./metadata.ts";
import { projectOf } from "./resource_url.ts";
import { defaultRoutesPerNetwork } from "./quota.ts";
import { ilbPermissions, instancePermissions, networkPermissions } from "./permissions.ts";
import type { RouteSettings } from "./routes.ts";
import type { Vm } from "./vm.ts";

const scopePrefix = "https://www.googleapis.com/auth/";
/** Where projects tell what one may do in them; compute's own `testIamPermissions` are for single VMs and subnets only. */
const resourceManagerEndpoint = "https://cloudresourcemanager.googleapis.com";

/** What the checks need. */
export interface CheckContext {
  readonly api: ComputeApi;
  readonly metadata: MetadataServer;
  readonly vm: Vm;
  readonly tables: readonly {
    /** The network's name, unique among them. */
    readonly name: string;
    readonly settings: RouteSettings;
    readonly routesOfPeers: number;
    /** Reads the network as the service does. */
    readonly read: () => Promise<Pick<TableState, "quotas">>;
  }[];
  /** Networks that this VM has no interface in. */
  readonly missing: readonly MissingTable[];
  readonly ilb: LoadBalancer | null;
}

/** Looks at everything; whatever cannot be looked at is a finding of its own. */
export async function runChecks(context: CheckContext, signal: AbortSignal): Promise<readonly Finding[]> {
  const look = (name: string, finding: () => Promise<Finding>): Promise<Finding> =>
    findingOf(name, signal, finding, remedyOf);
  const [scopes, ...findings] = await Promise.all([
    look("access scopes", () => checkScopes(context, signal)),
    ...permissionChecks(context).map(([project, permissions]) =>
      look(`permissions in ${project}`, () => checkPermissions(context, project, permissions, signal))
    ),
  ]);
  const quotas = await Promise.all(
    context.tables.map((table) =>
      findingsOf(`route quota of ${table.name}`, signal, () => checkQuota(table), remedyOf)
    ),
  );
  // First, since without the scope no role is of any use.
  const { vm, ilb } = context;
  const balancer = ilb === null ? [] : [checkLoadBalancer(ilb)];
  return [
    scopes,
    checkNetwork(context),
    ...context.missing.map(({ given, failure }) =>
      failedFinding(`network ${given}`, failure, signal, remedyOf)
    ),
    forwardingFinding(vm, ilb),
    ...balancer,
    ...findings,
    ...quotas.flat(),
  ];
}

function checkNetwork({ vm, tables }: CheckContext): Finding {
  const networks = tables.map(({ settings }) => settings.network).join(", ");
  return { name: "network", status: "ok", detail: `This VM is ${vm.url}; its routes go to ${networks}` };
}

function remedyOf({ kind, action }: CloudError): string | undefined {
  return kind !== "denied" || action === undefined
    ? undefined
    : `Grant ${action}: cloudroutesync doctor -policy`;
}

/** What Google takes as a next hop and then drops packets for (ilb-next-hop-overview), and from where it can be reached. */
function checkLoadBalancer({ id, rule, families }: LoadBalancer): Finding {
  const name = "load balancer";
  if (rule === null) {
    return id.startsWith("ilb:")
      ? {
        name,
        status: "ok",
        detail: `Routes point at ${id}; a rule that is named, not its address, is checked`,
      }
      : { name, status: "unknown", detail: `Routes point at ${id}, whose forwarding rule may not be read` };
  }
  const from = rule.allowGlobalAccess ? "all regions" : "its own region alone: packets of others are dropped";
  return requirement(name, rule.IPProtocol !== "L3_DEFAULT", {
    met: `IPv${
      families.join(" and IPv")
    } routes to this VM point at ${rule.name}, which is reached from ${from}`,
    unmet: `Google drops what routes send to ${rule.name}: its protocol is L3_DEFAULT`,
    remedy:
      "Give the load balancer a forwarding rule of protocol TCP or UDP; as a next hop it takes all protocols",
  });
}

async function checkScopes({ metadata, vm }: CheckContext, signal: AbortSignal): Promise<Finding> {
  const name = "access scopes";
  const scopes = (await metadata.scopes(signal)).map((scope) => scope.replace(scopePrefix, ""));
  if (scopes.some((scope) => scope === "cloud-platform" || scope === "compute")) {
    return { name, status: "ok", detail: `The VM's access scopes allow it: ${scopes.join(", ")}` };
  }
  const has = scopes.length === 0
    ? "The VM has no service account"
    : `The access scopes are ${scopes.join(", ")}`;
  return {
    name,
    status: "bad",
    detail: `${has}; writing routes takes cloud-platform or compute, whatever roles the service account has`,
    remedy: scopeRemedy(vm.name, vm.zone),
  };
}

/** What to ask of each project: VM and network may be of two (Shared VPC). */
function permissionChecks({ vm, tables, ilb }: CheckContext): readonly [string, readonly string[]][] {
  const needs = new Map<string, Set<string>>();
  const need = (project: string, permissions: readonly string[]): void => {
    needs.set(project, new Set([...needs.get(project) ?? [], ...permissions]));
  };
  for (const { settings } of tables) {
    need(settings.project, networkPermissions);
    if (ilb !== null) need(projectOf(settings.self.id) ?? vm.project, ilbPermissions);
  }
  need(vm.project, instancePermissions);
  return [...needs].map(([project, permissions]) => [project, [...permissions].sort()]);
}

async function checkPermissions(
  { api }: CheckContext,
  project: string,
  permissions: readonly string[],
  signal: AbortSignal,
): Promise<Finding> {
  const name = `permissions in ${project}`;
  const endpoint = api.endpoint === computeEndpoint ? resourceManagerEndpoint : api.endpoint;
  let granted: readonly string[];
  try {
    ({ permissions: granted } = await api.send({
      action: `test the permissions in project ${project}`,
      permission: "(none is needed, but the access scope cloud-platform and the API cloudresourcemanager)",
      method: "POST",
      path: `${endpoint}/v3/projects/${project}:testIamPermissions`,
      body: { permissions },
      answer: permissionsAnswer,
    }, signal));
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    const remedy =
      "To have permissions tested: gcloud services enable cloudresourcemanager.googleapis.com, and the " +
      "access scope cloud-platform; the program itself runs without";
    return { name, status: "unknown", detail: error.message, remedy };
  }
  const missing = permissions.filter((permission) => !granted.includes(permission));
  if (missing.length === 0) {
    return { name, status: "ok", detail: `All ${permissions.length} permissions are granted` };
  }
  const remedy = `Grant the role that cloudroutesync doctor -policy prints, in project ${project}`;
  return { name, status: "bad", detail: `The service account lacks ${missing.join(", ")}`, remedy };
}

/** How near the limits are. The Compute API tells none of them but by a refusal. */
async function checkQuota(table: CheckContext["tables"][number]): Promise<readonly Finding[]> {
  const peers = table.routesOfPeers === 0
    ? ""
    : `, and ${table.routesOfPeers} in the networks that it is peered with`;
  const where = "STATIC_ROUTES_PER_NETWORK in the console: IAM, Quotas";
  return quotaFindings((await table.read()).quotas, {
    table: table.name,
    raise: `Ask for more of ${where}`,
    unknownLimit:
      `${defaultRoutesPerNetwork} static routes fit into a network unless more were asked for${peers}; ` +
      "Google tells the limit by a refusal alone",
    unknownRemedy: `See ${where}`,
  });
}
