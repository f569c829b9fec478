/** How to log in: from the `OS_*` variables, or from an entry of clouds.yaml. */

import { CloudError } from "../cloud_error.ts";
import { type CloudsYamlEntry, type CloudsYamlSource, findCloud } from "./clouds_yaml.ts";

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

/** Which of a service's endpoints is used. */
export type Interface = "public" | "internal" | "admin";

/** All that is needed to log in and to find Neutron. */
export interface OpenstackSettings {
  /** Where the settings come from, for people: `clouds.yaml entry "prod"`. */
  readonly origin: string;
  /** Keystone's base URL, with `/v3` and without a slash at its end. */
  readonly authUrl: string;
  readonly proof: Proof;
  /** The project to act in; null with an application credential, which has one of its own. */
  readonly project: DomainReference | null;
  readonly region: string | null;
  readonly interface: Interface;
  /** Base URL of Neutron in place of the catalogue's. */
  readonly networkEndpoint: string | null;
  /** Certificates to trust (PEM), or null for the system's. */
  readonly caCertificates: string | null;
}

/** Reads a setting by the name that it has in clouds.yaml's `auth`; null where it is not set. */
type Setting = (name: string) => string | null;

/**
 * Reads the settings. As openstacksdk does it: a named cloud (`-os-cloud`, `OS_CLOUD`) comes from clouds.yaml alone; without
 * a name the variables count if `OS_AUTH_URL` is among them, else the only entry of clouds.yaml.
 *
 * @throws {CloudError} of kind `invalid` naming what is missing or wrong.
 */
export function readSettings(osCloud: string | null, source: CloudsYamlSource): OpenstackSettings {
  const name = osCloud ?? source.environment("OS_CLOUD") ?? null;
  const fromEnvironment = name === null && source.environment("OS_AUTH_URL") !== undefined;
  if (fromEnvironment) {
    const setting: Setting = (key) => source.environment(`OS_${key.toUpperCase()}`) ?? null;
    return settingsOf("the OS_* variables", setting, source);
  }
  const found = findCloud(name, source);
  if (found === null) {
    throw new CloudError(
      "invalid",
      "Cannot log in to OpenStack: there are neither OS_AUTH_URL and its companions nor a clouds.yaml",
    );
  }
  return settingsOf(`entry "${found.name}" of ${found.path}`, settingOfEntry(found.entry), source);
}

function settingOfEntry(entry: CloudsYamlEntry): Setting {
  return (key) => {
    const value = entry.auth?.[key] ?? entry[key];
    return value === undefined || value === null || typeof value === "object" ? null : String(value);
  };
}

function settingsOf(origin: string, setting: Setting, source: CloudsYamlSource): OpenstackSettings {
  refuseUnverified(origin, setting);
  const proof = proofOf(origin, setting);
  return {
    origin,
    authUrl: authUrlOf(need(origin, setting, "auth_url")),
    proof,
    project: proof.method === "application_credential" ? null : projectOf(origin, setting),
    region: setting("region_name"),
    interface: interfaceOf(origin, setting("interface") ?? setting("endpoint_type")),
    networkEndpoint: setting("network_endpoint_override"),
    caCertificates: readCertificates(setting("cacert"), source),
  };
}

/** Keystone v3's base URL; people give it with and without the version. */
function authUrlOf(text: string): string {
  const url = text.replace(/\/+$/, "");
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new CloudError("invalid", `Cannot use auth_url "${text}": it is not an http or https URL`);
  }
  return url.endsWith("/v3") ? url : `${url.replace(/\/v2\.0$/, "")}/v3`;
}

function proofOf(origin: string, setting: Setting): Proof {
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

function methodOf(origin: string, setting: Setting): Proof["method"] {
  const type = setting("auth_type");
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
      throw new CloudError(
        "invalid",
        `Cannot log in with auth_type "${type}" of ${origin}: only v3applicationcredential, password and token are known`,
      );
  }
}

function userOf(origin: string, setting: Setting): DomainReference {
  const id = setting("user_id");
  if (id !== null) return { id };
  return { name: need(origin, setting, "username"), domain: domainOf(setting, "user") };
}

function projectOf(origin: string, setting: Setting): DomainReference {
  const id = setting("project_id") ?? setting("tenant_id");
  if (id !== null) return { id };
  const name = setting("project_name") ?? setting("tenant_name");
  if (name === null) {
    throw new CloudError(
      "invalid",
      `Cannot log in to OpenStack: ${origin} names no project (project_name or project_id)`,
    );
  }
  return { name, domain: domainOf(setting, "project") };
}

/** Keystone's first domain has the id `default` wherever nobody has chosen another. */
function domainOf(setting: Setting, owner: "user" | "project"): Reference {
  const id = setting(`${owner}_domain_id`);
  if (id !== null) return { id };
  const name = setting(`${owner}_domain_name`) ?? setting("default_domain_name");
  if (name !== null) return { name };
  return { id: setting("default_domain_id") ?? setting("default_domain") ?? "default" };
}

function interfaceOf(origin: string, text: string | null): Interface {
  const name = (text ?? "public").replace(/URL$/, "");
  if (name === "public" || name === "internal" || name === "admin") return name;
  throw new CloudError(
    "invalid",
    `Cannot use interface "${text}" of ${origin}: it is neither public, internal nor admin`,
  );
}

/** Deno's fetch has no switch for one client; only the whole program could be built without verification. */
function refuseUnverified(origin: string, setting: Setting): void {
  const unverified = setting("verify")?.toLowerCase() === "false" ||
    /^(true|1|yes)$/i.test(setting("insecure") ?? "");
  if (!unverified) return;
  throw new CloudError(
    "invalid",
    `Cannot log in to OpenStack without verifying certificates, as ${origin} asks (verify: false or insecure): ` +
      "this program always verifies; name the certificate authority with cacert or OS_CACERT",
  );
}

function readCertificates(path: string | null, source: CloudsYamlSource): string | null {
  if (path === null) return null;
  const text = source.readFile(path.replace(/^~(?=\/)/, source.environment("HOME") ?? "~"));
  if (text === null) {
    throw new CloudError("invalid", `Cannot read the certificates "${path}": there is no such file`);
  }
  if (!text.includes("-----BEGIN CERTIFICATE-----")) {
    throw new CloudError("invalid", `Cannot use the certificates "${path}": the file holds none in PEM form`);
  }
  return text;
}

function need(origin: string, setting: Setting, key: string): string {
  const value = setting(key);
  if (value !== null && value !== "") return value;
  throw new CloudError(
    "invalid",
    `Cannot log in to OpenStack: ${origin} lacks ${key} (OS_${key.toUpperCase()})`,
  );
}
