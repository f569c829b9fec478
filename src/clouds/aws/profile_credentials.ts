/**
 * The credentials of a profile in AWS' own files
 * (https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html), by the SDK's reader of them.
 */

import { getLogger } from "@logtape/logtape";
import { loadSharedConfigFiles } from "@smithy/core/config";
import type { AwsCredentials, CredentialSources, CredentialsProvider } from "./credentials.ts";
import { CredentialsError } from "./credentials_error.ts";
import { sdkLogger, sharedConfig } from "./sdk_client.ts";
import { assumeRole, assumeRoleWithToken } from "./security_token_service.ts";

const log = getLogger(["cloudroutesync", "aws"]);
const timeoutMs = 8_000;

/** What `credential_source` may name. */
export type NamedSources = Readonly<
  Record<"Environment" | "Ec2InstanceMetadata" | "EcsContainer", CredentialsProvider>
>;

type Profile = Readonly<Record<string, string | undefined>>;
type Profiles = Readonly<Record<string, Profile>>;

/** See the head of this file. The files are read each time: people and programs renew them. */
export class ProfileCredentials {
  readonly #sources: CredentialSources;
  readonly #named: NamedSources;
  #logged = "";

  constructor(sources: CredentialSources, named: NamedSources) {
    this.#sources = sources;
    this.#named = named;
  }

  /** The credentials of a profile; null where there is no such profile, or it holds none. */
  async find(name: string): Promise<AwsCredentials | null> {
    const profiles = await readProfiles();
    return profiles[name] === undefined ? null : await this.#resolve(name, profiles, []);
  }

  /**
   * The same for a profile that somebody has named.
   *
   * @returns null where it holds no credentials; this is logged.
   * @throws {CredentialsError} of kind `invalid` if there is no such profile.
   */
  async need(name: string): Promise<AwsCredentials | null> {
    const profiles = await readProfiles();
    if (profiles[name] === undefined) throw noProfile(name, "AWS_PROFILE", this.#sources);
    const found = await this.#resolve(name, profiles, []);
    if (found === null) this.#tell(`Profile ${name} holds no credentials; looking on as without AWS_PROFILE`);
    else if ((this.#sources.environment("AWS_ACCESS_KEY_ID") ?? "") !== "") {
      this.#tell(
        `AWS_PROFILE is set, so AWS_ACCESS_KEY_ID is not used; the credentials are profile ${name}'s`,
      );
    }
    return found;
  }

  /** @param visited the profiles whose source this one is, the first first. */
  async #resolve(
    name: string,
    profiles: Profiles,
    visited: readonly string[],
  ): Promise<AwsCredentials | null> {
    const profile = profiles[name];
    if (profile === undefined) throw noProfile(name, `profile ${visited.at(-1)}`, this.#sources);
    const keys = keysOf(profile);
    // A source's own keys win over the role that it may have: that is how a profile may be its own source.
    if (keys !== null && visited.length > 0) return keys;
    const { role_arn: arn, source_profile: source, credential_source: origin } = profile;
    if (arn !== undefined && (source !== undefined || origin !== undefined)) {
      const credentials = await this.#sourceOf(name, profile, profiles, visited);
      return await assumeRole(this.#sourcesOf(profile), credentials, { arn, ...roleOf(name, profile) });
    }
    if (origin !== undefined && visited.length > 0) return await this.#fromNamed(name, origin);
    if (keys !== null) return keys;
    return await this.#others(name, profile);
  }

  async #others(name: string, profile: Profile): Promise<AwsCredentials | null> {
    const { role_arn: arn, web_identity_token_file: path } = profile;
    if (arn !== undefined && path !== undefined) {
      const file = { path, origin: `profile ${name}` };
      return await assumeRoleWithToken(this.#sourcesOf(profile), { arn, ...roleOf(name, profile) }, file);
    }
    if (profile["credential_process"] !== undefined) {
      throw unusable(name, "its credential_process would start a program, which this one may not");
    }
    if (Object.keys(profile).some((key) => key.startsWith("sso_"))) return await this.#signedOn(name);
    if (profile["login_session"] !== undefined) {
      throw unusable(
        name,
        "its login_session is a person's; give the instance a role, or name another profile",
      );
    }
    return null;
  }

  async #sourceOf(
    name: string,
    { source_profile: source, credential_source: origin }: Profile,
    profiles: Profiles,
    visited: readonly string[],
  ): Promise<AwsCredentials> {
    if (source === undefined) return await this.#fromNamed(name, origin ?? "");
    if (origin !== undefined) throw unusable(name, "it has both source_profile and credential_source");
    if (visited.includes(source)) throw unusable(name, `its source_profile ${source} leads back to it`);
    const found = await this.#resolve(source, profiles, [...visited, name]);
    if (found !== null) return found;
    throw unusable(name, `its source_profile ${source} holds no credentials`);
  }

  async #fromNamed(name: string, origin: string): Promise<AwsCredentials> {
    const named = Object.entries(this.#named).find(([known]) => known === origin)?.[1];
    if (named !== undefined) return await named();
    const known = Object.keys(this.#named).join(", ");
    throw unusable(name, `its credential_source "${origin}" is none of ${known}`);
  }

  /** IAM Identity Center, with the session that `aws sso login` left. */
  async #signedOn(profile: string): Promise<AwsCredentials> {
    const { transport, region } = this.#sources;
    const { fromSSO } = await import("@aws-sdk/credential-provider-sso");
    const clientConfig = sharedConfig(transport, region, timeoutMs);
    return await fromSSO({ profile, ignoreCache: true, clientConfig, logger: sdkLogger })();
  }

  /** A profile may name the region of its own STS. */
  #sourcesOf({ region }: Profile): CredentialSources {
    return region === undefined ? this.#sources : { ...this.#sources, region };
  }

  /** Once, not at each renewal. */
  #tell(sentence: string): void {
    if (this.#logged === sentence) return;
    this.#logged = sentence;
    log.warn("{sentence}", { event: "credentials", sentence });
  }
}

async function readProfiles(): Promise<Profiles> {
  const { configFile, credentialsFile } = await loadSharedConfigFiles({ ignoreCache: true });
  const names = new Set([...Object.keys(configFile), ...Object.keys(credentialsFile)]);
  return Object.fromEntries(
    [...names].map((name) => [name, { ...configFile[name], ...credentialsFile[name] }]),
  );
}

function keysOf(profile: Profile): AwsCredentials | null {
  const { aws_access_key_id: id, aws_secret_access_key: secret, aws_session_token: token } = profile;
  if (id === undefined || secret === undefined) return null;
  return {
    accessKeyId: id,
    secretAccessKey: secret,
    ...(token === undefined ? {} : { sessionToken: token }),
  };
}

function roleOf(name: string, profile: Profile): {
  readonly session: string;
  readonly externalId: string | undefined;
  readonly durationS: number | undefined;
} {
  if (profile["mfa_serial"] !== undefined) {
    throw unusable(name, "its mfa_serial asks for a code that only a person can enter");
  }
  const duration = Number(profile["duration_seconds"]);
  return {
    session: profile["role_session_name"] ?? "",
    externalId: profile["external_id"],
    durationS: Number.isInteger(duration) ? duration : undefined,
  };
}

function noProfile(name: string, origin: string, { environment }: CredentialSources): CredentialsError {
  const home = environment("HOME") || "/";
  const config = environment("AWS_CONFIG_FILE") || `${home.replace(/\/$/, "")}/.aws/config`;
  const credentials = environment("AWS_SHARED_CREDENTIALS_FILE") ||
    `${home.replace(/\/$/, "")}/.aws/credentials`;
  return new CredentialsError(
    "invalid",
    `there is no profile "${name}", which ${origin} names, in ${config} or ${credentials}`,
  );
}

function unusable(name: string, why: string): CredentialsError {
  return new CredentialsError("invalid", `profile "${name}" cannot be used: ${why}`);
}
