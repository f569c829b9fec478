/** The credentials of the instance's role, from its metadata service. */

import { getLogger } from "@logtape/logtape";
import { CloudError } from "../cloud_error.ts";
import type { AwsCredentials, CredentialSources, CredentialsProvider } from "./credentials.ts";
import { CredentialsError } from "./credentials_error.ts";
import { readIssued } from "./issued_credentials.ts";

const log = getLogger(["cloudroutesync", "aws"]);

/** How much longer credentials are used that cannot be renewed: five to ten minutes, as all of AWS' SDKs do. */
const extensionMs = 300_000;

const origin =
  "they come from the instance's role and its metadata service, unless the environment names others";
/** What helps an instance without a role. */
export const roleRemedy =
  "Give the instance a role (an instance profile) with what `cloudroutesync doctor -policy` prints, and see that its " +
  "metadata service answers";

/** All requests for credentials are others' too, so no caller's signal ends them; each has a deadline of its own. */
const never = new AbortController().signal;

/**
 * Makes the provider. While the metadata service is down, it goes on giving what it gave last ("static stability":
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html).
 */
export function roleCredentials(sources: CredentialSources): CredentialsProvider {
  let last: AwsCredentials | null = null;
  return async () => {
    try {
      last = await askRole(sources);
    } catch (error) {
      if (last === null || !(error instanceof CredentialsError)) throw error;
      log.warn("Cannot renew the credentials of the instance's role, going on with those at hand: {error}", {
        event: "credentials",
        error: error.message,
      });
    }
    return isPast(last) ? extended(last) : last;
  };
}

async function askRole({ environment, metadata }: CredentialSources): Promise<AwsCredentials> {
  const disabled = environment("AWS_EC2_METADATA_DISABLED") ?? "";
  if (disabled !== "" && disabled.toLowerCase() !== "false") {
    throw new CredentialsError(
      "invalid",
      "there are none but the instance's role, and AWS_EC2_METADATA_DISABLED is set",
    );
  }
  try {
    const role = await metadata.role(never);
    if (role === null) {
      throw new CredentialsError("denied", `this instance has no role; ${origin}`, { remedy: roleRemedy });
    }
    return readIssued(await metadata.roleCredentials(role, never), `role ${role}`);
  } catch (cause) {
    if (!(cause instanceof CloudError)) throw cause;
    throw new CredentialsError(cause.kind, `no credentials: ${cause.message}; ${origin}`, { cause });
  }
}

function isPast({ expiration }: AwsCredentials): boolean {
  return expiration !== undefined && expiration.getTime() < Date.now();
}

function extended(credentials: AwsCredentials): AwsCredentials {
  return { ...credentials, expiration: new Date(Date.now() + extensionMs * (1 + Math.random())) };
}
