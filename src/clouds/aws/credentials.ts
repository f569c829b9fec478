/**
 * Where the credentials come from: what the SDK's default chain looks at, in its order, but over the one transport; what somebody
 * has set and cannot be used is an error, not passed over.
 */

import { getLogger } from "@logtape/logtape";
import { abortable } from "../../async/abortable.ts";
import { SharedLogin } from "../kit/shared_login.ts";
import type { Transport } from "../kit/transport.ts";
import { containerCredentials } from "./container_credentials.ts";
import { CredentialsError } from "./credentials_error.ts";
import type { InstanceMetadata } from "./metadata.ts";
import { ProfileCredentials } from "./profile_credentials.ts";
import { roleCredentials } from "./role_credentials.ts";
import { assumeRoleWithToken } from "./security_token_service.ts";

const log = getLogger(["cloudroutesync", "aws"]);

/** A key, and when it ends if it does. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** Fetches credentials anew at each call. */
export type CredentialsProvider = () => Promise<AwsCredentials>;

/** What the chain needs. */
export interface CredentialSources {
  readonly environment: (name: string) => string | undefined;
  readonly transport: Transport;
  readonly metadata: InstanceMetadata;
  /** For the services that give credentials in return for others. */
  readonly region: string;
}

/** Opens the chain; nothing is asked yet. */
export function openCredentials(sources: CredentialSources): CredentialsProvider {
  nameHome(sources);
  const profiles = new ProfileCredentials(sources, {
    Environment: () => environmentOrNothing(sources),
    Ec2InstanceMetadata: roleCredentials(sources),
    EcsContainer: () => containerOrNothing(sources),
  });
  const fromRole = roleCredentials(sources);
  const variable = (name: string): string => sources.environment(name) ?? "";
  return async () => {
    const named = variable("AWS_PROFILE");
    const found = named === ""
      ? environmentCredentials(sources) ?? await profiles.find("default")
      : await profiles.need(named);
    return found ?? await tokenFileCredentials(sources) ?? await containerCredentials(sources) ??
      await fromRole();
  };
}

/** Credentials are renewed this long before their end, in milliseconds, as the SDK's clients do. */
const renewBeforeMs = 300_000;
/** Deadline for credentials in milliseconds, all requests for them together: an answer that breaks off may leave them waiting. */
const timeoutMs = 10_000;

/** One login for all clients. A provider that gives no end of its credentials is asked again when AWS refuses them. */
export function shareCredentials(provider: CredentialsProvider): SharedLogin<AwsCredentials> {
  return new SharedLogin({
    renewBeforeMs,
    login: async () => {
      const value = await inTime(provider());
      return { value, until: value.expiration?.getTime() ?? Infinity };
    },
  });
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    return await abortable(work, deadline);
  } catch (cause) {
    if (!deadline.aborted) throw cause;
    const message = `no credentials: no answer within ${timeoutMs / 1000} s`;
    throw new CredentialsError("unavailable", message, { cause });
  }
}

/** IAM roles for Kubernetes' service accounts. @returns null where the environment names no token file, or no role. */
async function tokenFileCredentials(sources: CredentialSources): Promise<AwsCredentials | null> {
  const read = (name: string): string => sources.environment(name) ?? "";
  const [path, arn] = [read("AWS_WEB_IDENTITY_TOKEN_FILE"), read("AWS_ROLE_ARN")];
  if (path === "" || arn === "") return null;
  const role = { arn, session: read("AWS_ROLE_SESSION_NAME") };
  return await assumeRoleWithToken(sources, role, { path, origin: "AWS_WEB_IDENTITY_TOKEN_FILE" });
}

/** @returns null where neither half of the key is set. @throws {CredentialsError} if only one is. */
function environmentCredentials({ environment }: CredentialSources): AwsCredentials | null {
  const [accessKeyId, secretAccessKey, sessionToken] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
  ].map((name) => environment(name) || undefined);
  if (accessKeyId === undefined && secretAccessKey === undefined) return null;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new CredentialsError(
      "invalid",
      "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set: set both, or neither",
    );
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function environmentOrNothing(sources: CredentialSources): Promise<AwsCredentials> {
  const found = environmentCredentials(sources);
  if (found !== null) return Promise.resolve(found);
  throw new CredentialsError(
    "invalid",
    "the profile takes its credentials from AWS_ACCESS_KEY_ID, which is not set",
  );
}

async function containerOrNothing(sources: CredentialSources): Promise<AwsCredentials> {
  const found = await containerCredentials(sources);
  if (found !== null) return found;
  throw new CredentialsError(
    "invalid",
    "the profile takes its credentials from the container, but AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set",
  );
}

/**
 * Where HOME is not set (systemd sets none for a dynamic user) the SDK asks the operating system for the user and his home, which takes
 * permissions that nothing else needs. The home of systemd's dynamic users is `/`.
 */
function nameHome({ environment }: CredentialSources): void {
  if ((environment("HOME") ?? "") !== "") return;
  log.debug("HOME is not set: AWS' files are read only where environment variables name them", {
    event: "credentials",
  });
  Deno.env.set("HOME", "/");
}
