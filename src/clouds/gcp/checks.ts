/** What `doctor` looks at. */

import type { Finding } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { permissionsAnswer } from "./answers.ts";
import { type ComputeApi, computeEndpoint } from "./compute_api.ts";
import type { MetadataServer } from "./metadata.ts";
import { projectOf } from "./resource_url.ts";
import type { RouteQuota } from "./quota.ts";
import { ilbPermissions, instancePermissions, networkPermissions } from "./role.ts";
import type { RouteSettings } from "./route_table.ts";
import type { Vm } from "./vm.ts";

const scopePrefix = "https://www.googleapis.com/auth/";
/** Where projects tell what one may do in them; compute's own `testIamPermissions` are for single VMs and subnets only. */
const resourceManagerEndpoint = "https://cloudresourcemanager.googleapis.com";

/** What the checks need. */
export interface CheckContext {
  readonly api: ComputeApi;
  readonly metadata: MetadataServer;
  readonly vm: Vm;
  readonly tables: readonly { readonly settings: RouteSettings; readonly quota: RouteQuota }[];
  readonly nextHopIlb: string | null;
}

/** Looks at everything; whatever cannot be looked at is a finding of its own. */
export async function runChecks(context: CheckContext, signal: AbortSignal): Promise<readonly Finding[]> {
  const findings = await Promise.all([
    attempt("access scopes", () => checkScopes(context, signal)),
    ...permissionChecks(context).map(([project, permissions]) =>
      attempt(`permissions in ${project}`, () => checkPermissions(context, project, permissions, signal))
    ),
    ...context.tables.map((table) => attempt("route quota", () => checkQuota(table, signal))),
  ]);
  return [checkForwarding(context), ...findings];
}

/** A finding of its own for what could not be looked at. */
export async function attempt(name: string, look: () => Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    const missing = error.kind === "denied";
    const remedy = error.action === undefined
      ? {}
      : { remedy: `Grant ${error.action}: cloudroutesync doctor -policy` };
    return { name, status: missing ? "bad" : "unknown", detail: error.message, ...(missing ? remedy : {}) };
  }
}

function checkForwarding({ vm, nextHopIlb }: CheckContext): Finding {
  const name = "IP forwarding";
  if (vm.canIpForward) {
    return { name, status: "ok", detail: `Instance ${vm.name} may forward packets (canIpForward)` };
  }
  if (nextHopIlb !== null) {
    return { name, status: "ok", detail: `Routes point at ${nextHopIlb}, whose VMs need no canIpForward` };
  }
  return {
    name,
    status: "bad",
    detail: `Google drops what instance ${vm.name} forwards: canIpForward is false`,
    remedy:
      "canIpForward cannot be changed later: create the VM anew with gcloud's --can-ip-forward (Terraform: " +
      "can_ip_forward = true)",
  };
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
    remedy: `Stop the VM, then gcloud compute instances set-service-account ${vm.name} --zone=${vm.zone} ` +
      "--service-account=ACCOUNT --scopes=cloud-platform",
  };
}

/** What to ask of each project: VM and network may be of two (Shared VPC). */
function permissionChecks({ vm, tables, nextHopIlb }: CheckContext): readonly [string, readonly string[]][] {
  const needs = new Map<string, Set<string>>();
  const need = (project: string, permissions: readonly string[]): void => {
    needs.set(project, new Set([...needs.get(project) ?? [], ...permissions]));
  };
  for (const { settings } of tables) {
    need(settings.project, networkPermissions);
    if (nextHopIlb !== null) need(projectOf(settings.self.id) ?? vm.project, ilbPermissions);
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

async function checkQuota(
  { settings, quota }: CheckContext["tables"][number],
  signal: AbortSignal,
): Promise<Finding> {
  const name = "route quota";
  const found = await quota.ofProject(signal);
  if (found === null) {
    const detail = `Project ${settings.project} does not tell its quota ROUTES`;
    return { name, status: "unknown", detail, remedy: "See the limit in the console: IAM, Quotas, Routes" };
  }
  const { used, limit } = found;
  const detail = `${used} of ${limit} static routes of project ${settings.project} are in use`;
  if (used < limit) return { name, status: "ok", detail };
  return { name, status: "bad", detail, remedy: "Ask for more: console, IAM, Quotas, Routes" };
}
