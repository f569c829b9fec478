/** STS: credentials of a role in return for other credentials, or for a token of an identity provider. */

import type { AwsCredentials, CredentialSources } from "./credentials.ts";
import { type SharedConfig, sharedConfig } from "./sdk_client.ts";
import { readTokenFile } from "./token_file.ts";

/** Deadline of a call in milliseconds: below EC2's own, so that a call that waits for credentials tells why. */
const timeoutMs = 8_000;
const defaultSession = "cloudroutesync";

/** A role to take on. */
export interface Role {
  readonly arn: string;
  /** Names this program in the account's audit log; empty: `cloudroutesync`. */
  readonly session: string;
  readonly externalId?: string | undefined;
  /** 3,600 by default. */
  readonly durationS?: number | undefined;
}

/** Takes on a role with credentials that may. The SDK's client is loaded only when asked. */
export async function assumeRole(
  sources: CredentialSources,
  source: AwsCredentials,
  { arn, session, externalId, durationS = 3_600 }: Role,
): Promise<AwsCredentials> {
  const { getDefaultRoleAssumer } = await import("@aws-sdk/nested-clients/sts");
  return await getDefaultRoleAssumer(settings(sources))(source, {
    RoleArn: arn,
    RoleSessionName: session || defaultSession,
    ExternalId: externalId,
    DurationSeconds: durationS,
  });
}

/**
 * Takes on a role with the token that a file holds.
 *
 * @param origin what names the file.
 */
export async function assumeRoleWithToken(
  sources: CredentialSources,
  { arn, session }: Role,
  file: { readonly path: string; readonly origin: string },
): Promise<AwsCredentials> {
  const token = await readTokenFile(file.path, file.origin);
  const { getDefaultRoleAssumerWithWebIdentity } = await import("@aws-sdk/nested-clients/sts");
  return await getDefaultRoleAssumerWithWebIdentity(settings(sources))({
    RoleArn: arn,
    RoleSessionName: session || defaultSession,
    WebIdentityToken: token,
  });
}

function settings({ transport, region }: CredentialSources): SharedConfig & { readonly region: string } {
  return { ...sharedConfig(transport, region, timeoutMs), region };
}
