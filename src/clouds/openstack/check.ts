/** What `doctor` looks at: whether VM, router and account are such that routes can be written and packets pass. */

import { getLogger } from "@logtape/logtape";
import type { Family } from "../../routes/prefix.ts";
import type { Finding } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { familyOf } from "./extra_routes.ts";
import type { Neutron, Port, Router } from "./neutron.ts";
import { findPlace, type Place, reachableSubnets, type RouterChoice } from "./place.ts";

const logger = getLogger(["cloudroutesync", "openstack"]);

/** What the checks need to know. */
export interface CheckContext {
  readonly neutron: Neutron;
  readonly metadataEndpoint: string;
  readonly choice: RouterChoice;
  readonly families: readonly Family[];
  readonly fix: boolean;
}

/**
 * The pairs that let a port forward what it likes. Prefix by prefix would run into Neutron's limit of 10 pairs a port
 * (`max_allowed_address_pair`) and drop packets of every route that comes later. `::/0` is refused ("overlaps with multicast
 * range"), so IPv6 gets its global and its unique local addresses.
 */
const anyPrefixes: Readonly<Record<Family, readonly string[]>> = {
  4: ["0.0.0.0/0"],
  6: ["2000::/3", "fc00::/7"],
};

/** Runs all checks. A check that fails is a finding, not an error. */
export async function checkOpenstack(context: CheckContext, signal: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = [];
  const place = await attempt(findings, "router", signal, async () => {
    const found = await findPlace(context.neutron, context.metadataEndpoint, context.choice, signal);
    findings.push(routerFinding(found));
    return found;
  });
  const extensions = await attempt(findings, "extensions", signal, async () => {
    const found = await context.neutron.extensions(signal);
    findings.push(extensionFinding(found));
    return found;
  });
  const conditional = extensions?.has("revision-if-match") ?? false;
  if (place === null) return findings;
  for (const { id, name } of place.routers) {
    await attempt(findings, `routes of router ${name}`, signal, async () => {
      findings.push(...await routesFindings(context, id, name, signal));
    });
  }
  const reachable = reachableSubnets(place);
  for (const port of place.ports) {
    if (!port.fixed_ips.some((fixed) => reachable.has(fixed.subnet_id))) continue;
    await attempt(findings, `forwarding by port ${port.id}`, signal, async () => {
      findings.push(await forwardingFinding(context, port, conditional, signal));
    });
  }
  return findings;
}

/** Runs one check and turns its failure into a finding; null then. */
async function attempt<Result>(
  findings: Finding[],
  name: string,
  signal: AbortSignal,
  check: () => Promise<Result>,
): Promise<Result | null> {
  try {
    return await check();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof CloudError)) throw error;
    logger.debug("Check {name} failed: {error}", { name, error });
    const status = error.kind === "unavailable" || error.kind === "throttled" ? "unknown" : "bad";
    const remedy = remedyOf(error);
    findings.push({ name, status, detail: error.message, ...(remedy === null ? {} : { remedy }) });
    return null;
  }
}

function remedyOf(error: CloudError): string | null {
  if (error.kind !== "denied") return null;
  return `give the user the role "member" in the project; an application credential with access rules needs what ` +
    `"cloudroutesync doctor -policy" prints (missing: ${error.action ?? "unknown"})`;
}

function routerFinding(place: Place): Finding {
  const addresses = place.ports.flatMap((port) => port.fixed_ips.map((fixed) => fixed.ip_address)).join(", ");
  const routers = place.routers.map(({ id, name }) => `${name} (${id})`).join(", ");
  const detail = `This VM has ${addresses}; its router is ${routers}.`;
  const reachable = reachableSubnets(place);
  const usable = place.ports.some((port) => port.fixed_ips.some((fixed) => reachable.has(fixed.subnet_id)));
  if (usable) return { name: "router", status: "ok", detail };
  return {
    name: "router",
    status: "bad",
    detail: `${detail} None of the addresses is on a subnet of that router, so no route can point here.`,
    remedy:
      "attach the VM's subnet to the router (openstack router add subnet), or name another with -router",
  };
}

function extensionFinding(extensions: ReadonlySet<string>): Finding {
  const name = "extensions";
  if (!extensions.has("extraroute")) {
    const remedy = "ask the operator for Neutron's extension extraroute";
    return { name, status: "bad", detail: "Neutron has no extra routes.", remedy };
  }
  if (extensions.has("extraroute-atomic")) {
    return { name, status: "ok", detail: "Neutron changes extra routes atomically." };
  }
  if (extensions.has("standard-attr-revisions")) {
    const detail =
      "Neutron lacks extraroute-atomic: routes are written whole, on the condition that nobody else wrote.";
    return { name, status: "ok", detail };
  }
  return {
    name,
    status: "bad",
    detail:
      "Neutron has neither extraroute-atomic nor standard-attr-revisions: others' routes would not be safe.",
    remedy: "ask the operator to upgrade Neutron to 15 (Train) or later",
  };
}

async function routesFindings(
  context: CheckContext,
  id: string,
  name: string,
  signal: AbortSignal,
): Promise<Finding[]> {
  const router = await context.neutron.router(id, signal);
  const limit = await context.neutron.routeLimit(router.project_id, signal);
  const findings = [quotaFinding(router, limit)];
  // Adding nothing asks Neutron for the permission and changes nothing.
  await context.neutron.addRoutes(id, [], null, signal);
  findings.push({
    name: `routes of router ${name}`,
    status: "ok",
    detail: "Extra routes may be read and written.",
  });
  return findings;
}

function quotaFinding(router: Router, limit: number | null): Finding {
  const name = `quota of router ${router.name}`;
  const used = router.routes.length;
  if (limit === null) {
    return {
      name,
      status: "unknown",
      detail: `The router has ${used} routes; Neutron does not tell how many it takes.`,
    };
  }
  if (limit === Infinity) {
    return { name, status: "ok", detail: `The router has ${used} routes and takes any number.` };
  }
  const detail = `The router has ${used} of ${limit} routes.`;
  if (used < limit) return { name, status: "ok", detail };
  const remedy = "ask the operator to raise quota_router_route (before Neutron 29: max_routes)";
  return { name, status: "bad", detail, remedy };
}

/** @param conditional whether Neutron can make a write depend on what was read: the pairs are written whole. */
async function forwardingFinding(
  context: CheckContext,
  port: Port,
  conditional: boolean,
  signal: AbortSignal,
): Promise<Finding> {
  const name = `forwarding by port ${port.id}`;
  if (port.port_security_enabled === false) {
    return { name, status: "ok", detail: "Port security is off: the port may forward packets." };
  }
  const allowed = port.allowed_address_pairs.map((pair) => pair.ip_address);
  const missing = missingPrefixes(port, context.families, allowed);
  if (missing.length === 0) {
    return { name, status: "ok", detail: `The port may forward packets of ${allowed.join(", ")}.` };
  }
  const detail = "Port security drops packets that the port forwards for other addresses than its own" +
    (allowed.length === 0 ? "." : ` and ${allowed.join(", ")}.`);
  const flags = missing.map((prefix) => `--allowed-address ip-address=${prefix}`).join(" ");
  const remedy = `openstack port set ${flags} ${port.id}; or switch port security off`;
  if (!context.fix) return { name, status: "bad", detail, remedy };
  const pairs = [...port.allowed_address_pairs, ...missing.map((prefix) => ({ ip_address: prefix }))];
  const revision = conditional ? port.revision_number ?? null : null;
  try {
    await context.neutron.setAddressPairs(port.id, pairs, revision, signal);
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    return { name, status: "bad", detail: `${detail} ${error.message}.`, remedy };
  }
  return { name, status: "fixed", detail: `The port may now forward packets of ${missing.join(", ")} too.` };
}

/** The prefixes to allow: for each family in use, all that forwarding takes, unless the port is allowed some already. */
function missingPrefixes(port: Port, families: readonly Family[], allowed: readonly string[]): string[] {
  return families.flatMap((family) => {
    const used = port.fixed_ips.some((fixed) => familyOf(fixed.ip_address) === family);
    const some = allowed.some((text) => text.includes("/") && familyOf(text) === family);
    return used && !some ? anyPrefixes[family] : [];
  });
}
