/** Credentials that could not be had, so that no call was made. */

import type { CloudErrorKind } from "../cloud_error.ts";

/** The message is a whole reason that fits after "Cannot create route …: ". */
export class CredentialsError extends Error {
  override readonly name = "CredentialsError";

  /** What to do about it; undefined: the message says it. */
  readonly remedy: string | undefined;

  /** @param kind `unavailable` where time may heal it, `invalid` where the configuration must change, else `denied`. */
  constructor(
    readonly kind: CloudErrorKind,
    message: string,
    { remedy, ...options }: ErrorOptions & { readonly remedy?: string } = {},
  ) {
    super(message, options);
    this.remedy = remedy;
  }
}
