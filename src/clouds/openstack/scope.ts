/** How much of the cloud a login is for (Identity API v3, "Authentication and token management": `scope`). */

import { CloudError } from "../cloud_error.ts";
import { domainOf, type DomainReference, type Setting } from "./proof.ts";

/** One project, what somebody's trust hands over, or the whole cloud. */
export type Scope =
  | { readonly project: DomainReference }
  | { readonly "OS-TRUST:trust": { readonly id: string } }
  | { readonly system: { readonly all: true } };

/** The settings that name a scope, each with those of which one is enough. */
const names = {
  project: ["project_id", "tenant_id", "project_name", "tenant_name"],
  trust: ["trust_id"],
  system: ["system_scope"],
  domain: ["domain_id", "domain_name"],
} as const;

/** @throws {CloudError} of kind `invalid` if no scope is named, several are, or one that opens no router. */
export function scopeOf(origin: string, setting: Setting): Scope {
  const first = (keys: readonly string[]): string[] =>
    keys.filter((key) => setting(key) !== null).slice(0, 1);
  const given = [...first(names.project), ...first(names.trust), ...first(names.system)];
  if (given.length > 1) {
    throw new CloudError(
      "invalid",
      `Cannot log in to OpenStack: ${origin} has ${
        given.join(" and ")
      }, and a login is for one of them; leave the others out`,
    );
  }
  const trust = setting("trust_id");
  if (trust !== null) return { "OS-TRUST:trust": { id: trust } };
  const system = setting("system_scope");
  if (system !== null) return systemScope(origin, system);
  return { project: projectOf(origin, setting) };
}

function systemScope(origin: string, text: string): Scope {
  if (text === "all") return { system: { all: true } };
  throw new CloudError(
    "invalid",
    `Cannot use system_scope "${text}" of ${origin}: Keystone knows only "all"`,
  );
}

function projectOf(origin: string, setting: Setting): DomainReference {
  const id = setting("project_id") ?? setting("tenant_id");
  if (id !== null) return { id };
  const name = setting("project_name") ?? setting("tenant_name");
  if (name !== null) return { name, domain: domainOf(setting, "project") };
  const domain = names.domain.find((key) => setting(key) !== null);
  const why = domain === undefined
    ? "names no project"
    : `has ${domain}, and a login for a domain opens no router`;
  throw new CloudError(
    "invalid",
    `Cannot log in to OpenStack: ${origin} ${why}; set project_name or project_id (OS_PROJECT_NAME, OS_PROJECT_ID)`,
  );
}
