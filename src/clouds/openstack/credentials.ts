/** How to log in: from the `OS_*` variables, or from an entry of clouds.yaml. */

import { CloudError, ConfigurationError } from "../cloud_error.ts";
import type { ClientCertificate } from "../kit/transport.ts";
import type { CloudsEntry, CloudsSource } from "./clouds_file.ts";
import { findCloud } from "./clouds_yaml.ts";
import { withProfile } from "./profile.ts";
import { need, type Proof, proofOf, type Setting } from "./proof.ts";
import { regionOf } from "./region.ts";
import { type Scope, scopeOf } from "./scope.ts";
import { readAuthorities, readClientCertificate } from "./tls_files.ts";

/** Which of a service's endpoints is used. */
export type Interface = "public" | "internal" | "admin";

/** All that is needed to log in and to find Neutron. */
export interface OpenstackSettings {
  /** Where the settings come from, for people: `clouds.yaml entry "prod"`. */
  readonly origin: string;
  /** Keystone's base URL, with `/v3` and without a slash at its end. */
  readonly authUrl: string;
  readonly proof: Proof;
  /** What the login is for; null with an application credential, which has a project of its own. */
  readonly scope: Scope | null;
  readonly region: string | null;
  readonly interface: Interface;
  /** Base URL of Neutron in place of the catalogue's. */
  readonly networkEndpoint: string | null;
  /** Certificates to trust (PEM), or null for the system's. */
  readonly caCertificates: string | null;
  /** What the program shows to servers that ask who calls. */
  readonly clientCertificate: ClientCertificate | null;
}

/** Settings of which a vendor publishes a part. */
export interface PartialSettings {
  /** Where the vendor publishes its profile. */
  readonly profileUrl: string;
  /**
   * The settings with what was fetched.
   *
   * @param published the JSON that stands there.
   * @throws {CloudError} of kind `invalid` if it is no profile, and as {@linkcode readSettings} does.
   */
  readonly complete: (published: unknown) => OpenstackSettings;
}

/**
 * Reads the settings. As openstacksdk does it: a named cloud (`-os-cloud`, `OS_CLOUD`) comes from clouds.yaml alone; without
 * a name the variables count if `OS_AUTH_URL` is among them, else the only entry of clouds.yaml. An empty variable counts as none.
 *
 * @throws {CloudError} of kind `invalid` naming what is missing or wrong; {@linkcode ConfigurationError} if that is in a variable.
 */
export function readSettings(
  osCloud: string | null,
  given: CloudsSource,
): OpenstackSettings | PartialSettings {
  const source: CloudsSource = { ...given, environment: (name) => given.environment(name) || undefined };
  const named = osCloud ?? source.environment("OS_CLOUD") ?? null;
  // openstacksdk's own name for what the variables say.
  const name = named === "envvars" ? null : named;
  if (named === "envvars" || (name === null && source.environment("OS_AUTH_URL") !== undefined)) {
    const setting: Setting = (key) => source.environment(`OS_${key.toUpperCase()}`) ?? null;
    return { ...ofVariables(setting), ...filesOf(setting, source) };
  }
  const found = findCloud(name, source);
  if (found === null) {
    throw new CloudError(
      "invalid",
      "Cannot log in to OpenStack: there are neither OS_AUTH_URL and its companions nor a clouds.yaml",
    );
  }
  const origin = `entry "${found.name}" of ${found.path}`;
  const profile = withProfile(found, source);
  if ("entry" in profile) return ofEntry(origin, profile.entry, source);
  return {
    profileUrl: profile.url,
    complete: (published) => ofEntry(origin, profile.merge(published), source),
  };
}

/** Variables stay as they are while the program runs; a file may be put right meanwhile. @throws {ConfigurationError} */
function ofVariables(setting: Setting): ReturnType<typeof settingsOf> {
  try {
    return settingsOf("the OS_* variables", setting, setting("region_name"));
  } catch (error) {
    throw error instanceof CloudError ? new ConfigurationError(error.message) : error;
  }
}

function ofEntry(origin: string, entry: CloudsEntry, source: CloudsSource): OpenstackSettings {
  const setting = settingOfEntry(entry);
  const region = regionOf(origin, entry, source.environment("OS_REGION_NAME") ?? null);
  return { ...settingsOf(origin, setting, region), ...filesOf(setting, source) };
}

function settingOfEntry(entry: CloudsEntry): Setting {
  return (key) => textOf(entry.auth?.[key]) ?? textOf(entry[key]);
}

function textOf(value: unknown): string | null {
  if (value === undefined || value === null || value === "" || typeof value === "object") return null;
  return String(value);
}

type Files = Pick<OpenstackSettings, "caCertificates" | "clientCertificate">;

function filesOf(setting: Setting, source: CloudsSource): Files {
  return {
    caCertificates: readAuthorities(setting, source),
    clientCertificate: readClientCertificate(setting, source),
  };
}

function settingsOf(
  origin: string,
  setting: Setting,
  region: string | null,
): Omit<OpenstackSettings, keyof Files> {
  refuseUnverified(origin, setting);
  const proof = proofOf(origin, setting);
  return {
    origin,
    authUrl: authUrlOf(need(origin, setting, "auth_url")),
    proof,
    scope: proof.method === "application_credential" ? null : scopeOf(origin, setting),
    region,
    interface: interfaceOf(origin, setting("interface") ?? setting("endpoint_type")),
    networkEndpoint: setting("network_endpoint_override"),
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
  const unverified = /^(false|no|off|0)$/i.test(setting("verify") ?? "") ||
    /^(true|yes|on|1)$/i.test(setting("insecure") ?? "");
  if (!unverified) return;
  throw new CloudError(
    "invalid",
    `Cannot log in to OpenStack without verifying certificates, as ${origin} asks (verify: false or insecure): ` +
      "this program always verifies; name the certificate authority with cacert or OS_CACERT",
  );
}
