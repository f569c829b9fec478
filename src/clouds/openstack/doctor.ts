/** What `doctor` looks at: whether VM, router and account are such that routes can be written and packets pass. */

import type { Prefix } from "../../routes/prefix.ts";
import type { CloudIdentity, CloudTable, Finding, TableState } from "../cloud.ts";
import { CloudError } from "../cloud_error.ts";
import { findingOf, findingsOf } from "../kit/doctor.ts";
import { quotaFindings } from "../kit/quota_finding.ts";
import type { Neutron } from "./api.ts";
import { forwardedBy, forwardingPorts } from "./forwarding.ts";
import { adviseForwarding } from "./port_security.ts";
import type { Port } from "./schemas.ts";
import type { Vm } from "./vm.ts";

/** What the checks need to know. */
export interface CheckContext {
  readonly neutron: Neutron;
  readonly vm: Vm;
  readonly identity: CloudIdentity;
  /** The aliases of Neutron's extensions. */
  readonly extensions: ReadonlySet<string>;
  /** Why routes have one next hop; null: they may have several. */
  readonly noEcmp: string | null;
  readonly tables: readonly CloudTable[];
  /** Reads a router as the service does. */
  readonly read: (table: CloudTable) => Promise<TableState>;
  /** Asks for what the service would write with, changing nothing. */
  readonly probe: (state: TableState) => Promise<void>;
  /** Prefixes of wanted routes that this VM is the next hop of. */
  readonly ownPrefixes: readonly Prefix[];
  readonly fix: boolean;
}

const quotaWords = {
  raise: "ask the operator to raise quota_router_route (before Neutron 29: max_routes)",
  unknownLimit: "Neutron does not tell this login the limit",
};

/** Runs all checks. A check that fails is a finding, not an error. */
export async function checkOpenstack(context: CheckContext, signal: AbortSignal): Promise<Finding[]> {
  const { vm } = context;
  const look = (name: string, finding: () => Promise<Finding>): Promise<Finding> =>
    findingOf(name, signal, finding, remedyOf);
  const findings = [routerFinding(vm), extensionFinding(context.extensions), ecmpFinding(context.noEcmp)];
  const states: TableState[] = [];
  for (const table of context.tables) {
    const router = `router ${table.name}`;
    findings.push(
      ...await findingsOf(`route quota of ${router}`, signal, async () => {
        const state = await context.read(table);
        states.push(state);
        return quotaFindings(state.quotas, { table: router, ...quotaWords });
      }, remedyOf),
    );
  }
  for (const state of states) {
    const name = `routes of router ${state.table.name}`;
    findings.push(
      await look(name, async () => {
        await context.probe(state);
        return { name, status: "ok", detail: "Extra routes may be read and written." };
      }),
    );
  }
  for (const port of forwardingPorts(vm)) {
    const name = `forwarding by port ${port.id}`;
    findings.push(await look(name, () => forwardingFinding(context, port, states, signal)));
  }
  return findings;
}

function remedyOf(error: CloudError): string | undefined {
  if (error.kind !== "denied") return undefined;
  return `give the user the role "member" in the project; an application credential with access rules needs what ` +
    `"cloudroutesync doctor -policy" prints (missing: ${error.action ?? "unknown"})`;
}

function routerFinding(vm: Vm): Finding {
  const routers = vm.routers.map(({ id, name }) => `${name} (${id})`).join(", ");
  return { name: "router", status: "ok", detail: `The router of this VM is ${routers}.` };
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
      "Neutron lacks extraroute-atomic (OVN has it since Neutron 28): routes are written whole, on the condition that " +
      "nobody else wrote.";
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

function ecmpFinding(noEcmp: string | null): Finding {
  const detail = noEcmp === null
    ? "A route may have several next hops."
    : `Routes have one next hop: ${noEcmp}.`;
  return { name: "several next hops", status: "ok", detail };
}

async function forwardingFinding(
  context: CheckContext,
  port: Port,
  states: readonly TableState[],
  signal: AbortSignal,
): Promise<Finding> {
  const sources = sourcesOf(context, port, states);
  const remoteGroups = port.port_security_enabled === false
    ? []
    : await groupsOf(context.neutron, port, signal);
  const { finding, add } = adviseForwarding({ port, sources, remoteGroups });
  if (!context.fix || add === null) return finding;
  const { name } = finding;
  const pairs = [...port.allowed_address_pairs, ...add.map((prefix) => ({ ip_address: prefix }))];
  // The pairs are written whole.
  const revision = context.extensions.has("revision-if-match") ? port.revision_number ?? null : null;
  try {
    await context.neutron.setAddressPairs(port.id, pairs, revision, signal);
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    return { ...finding, detail: `${finding.detail} ${error.message}.` };
  }
  return { name, status: "fixed", detail: `The port may now forward packets of ${add.join(", ")} too.` };
}

/** The prefixes that are routed to this VM by the port, or will be. */
function sourcesOf(context: CheckContext, port: Port, states: readonly TableState[]): Prefix[] {
  const addresses = new Set(port.fixed_ips.map(({ ip_address: text }) => text));
  const standing = states.flatMap(({ routes }) => routes)
    .filter(({ nextHops }) => nextHops.some((hop) => addresses.has(hop)))
    .map(({ prefix }) => prefix);
  return [...standing, ...forwardedBy(port, context.vm, context.identity, context.ownPrefixes)];
}

/** Groups of the port that rules name as remote group; null where the login may not read rules. */
async function groupsOf(
  neutron: Neutron,
  port: Port,
  signal: AbortSignal,
): Promise<readonly string[] | null> {
  if (port.security_groups.length === 0) return [];
  try {
    return await neutron.remoteGroups(port.security_groups, signal);
  } catch (error) {
    if (error instanceof CloudError && (error.kind === "denied" || error.kind === "gone")) return null;
    throw error;
  }
}
