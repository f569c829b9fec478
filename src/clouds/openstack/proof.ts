/** What proves who we are, and how much of the cloud the login is for. */

import { CloudError } from "../cloud_error.ts";

/** Reads a setting by the name that it has in clouds.yaml's `auth`; null where it is not set. */
export type Setting = (name: string) => string | null;

/** A reference that Keystone takes by id, or by name. */
export type Reference = { readonly id: string } | { readonly name: string };

/** A user or project: by id, or by name within a domain. */
export type DomainReference = { readonly id: string } | { readonly name: string; readonly domain: Reference };

/** What proves who we are. */
export type Proof =
  | { readonly method: "application_credential"; readonly id: string; readonly secret: string }
  | {
    readonly method: "application_credential";
    readonly name: string;
    readonly user: DomainReference;
    readonly secret: string;
  }
  | { readonly method: "password"; readonly user: DomainReference; readonly password: string }
  | { readonly method: "token"; readonly token: string };

/** @throws {CloudError} of kind `invalid` naming what is missing, or the way to log in that is not possible here. */
export function proofOf(origin: string, setting: Setting): Proof {
  const method = methodOf(origin, setting);
  switch (method) {
    case "application_credential": {
      const secret = need(origin, setting, "application_credential_secret");
      const id = setting("application_credential_id");
      if (id !== null) return { method, id, secret };
      const name = need(origin, setting, "application_credential_name");
      return { method, name, user: userOf(origin, setting), secret };
    }
    case "password":
      return { method, user: userOf(origin, setting), password: need(origin, setting, "password") };
    case "token":
      return { method, token: need(origin, setting, "token") };
  }
}

/** The value of a setting. @throws {CloudError} of kind `invalid` if it is not set. */
export function need(origin: string, setting: Setting, key: string): string {
  const value = setting(key);
  if (value !== null) return value;
  throw new CloudError(
    "invalid",
    `Cannot log in to OpenStack: ${origin} lacks ${key} (OS_${key.toUpperCase()})`,
  );
}

/** Keystone's first domain has the id `default` wherever nobody has chosen another. */
export function domainOf(setting: Setting, owner: "user" | "project"): Reference {
  const id = setting(`${owner}_domain_id`);
  if (id !== null) return { id };
  const name = setting(`${owner}_domain_name`) ?? setting("default_domain_name");
  if (name !== null) return { name };
  return { id: setting("default_domain_id") ?? setting("default_domain") ?? "default" };
}

function methodOf(origin: string, setting: Setting): Proof["method"] {
  const type = setting("auth_type") ?? setting("auth_plugin");
  switch (type) {
    case "v3applicationcredential":
      return "application_credential";
    case "password":
    case "v3password":
      return "password";
    case "token":
    case "v3token":
      return "token";
    case null:
      if (setting("application_credential_secret") !== null) return "application_credential";
      return setting("token") === null ? "password" : "token";
    default:
      throw new CloudError("invalid", `Cannot log in with auth_type "${type}" of ${origin}: ${whyNot(type)}`);
  }
}

/** Why a service that runs for months cannot log in that way (the names are keystoneauth's plugins). */
function whyNot(type: string): string {
  const instead = 'make an application credential ("openstack application credential create") and use ' +
    "v3applicationcredential";
  if (/^v2/.test(type)) return `Keystone has no Identity API v2 any more; ${instead}`;
  if (/^v3(oidc|websso|saml|adfs|fedkerb)/.test(type)) {
    return `a federated login is not possible here; ${instead}`;
  }
  if (/^v3(totp|multifactor)$/.test(type)) {
    return `a passcode works once, and this program logs in again each time that its token expires; ${instead}`;
  }
  return `only v3applicationcredential, password and token are possible here; ${instead}`;
}

function userOf(origin: string, setting: Setting): DomainReference {
  const id = setting("user_id");
  if (id !== null) return { id };
  return { name: need(origin, setting, "username"), domain: domainOf(setting, "user") };
}
