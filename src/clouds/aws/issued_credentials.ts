/** Credentials in the form in which the metadata service and the container agents give them. */

import * as v from "valibot";
import type { AwsCredentials } from "./credentials.ts";
import { CredentialsError } from "./credentials_error.ts";

const issuedSchema = v.object({
  AccessKeyId: v.string(),
  SecretAccessKey: v.string(),
  Token: v.string(),
  Expiration: v.pipe(v.string(), v.isoTimestamp()),
});
const refusedSchema = v.object({ Code: v.string(), Message: v.optional(v.string()) });

/**
 * Reads them.
 *
 * @param from in words, who gave them.
 * @throws {CredentialsError} `unavailable` if they are none; its message quotes no value.
 */
export function readIssued(body: unknown, from: string): AwsCredentials {
  const issued = v.safeParse(issuedSchema, body);
  if (issued.success) {
    const { AccessKeyId, SecretAccessKey, Token, Expiration } = issued.output;
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: Token,
      expiration: new Date(Expiration),
    };
  }
  const refused = v.safeParse(refusedSchema, body);
  const why = refused.success
    ? `${refused.output.Code}${refused.output.Message ? `: ${refused.output.Message}` : ""}`
    : "the answer holds no credentials";
  throw new CredentialsError("unavailable", `${from} gives none: ${why}`);
}
