/** Private certificate authorities: files that the environment names, trusted besides the public authorities. */

import { CloudError } from "../cloud_error.ts";

/** The variables that count for every cloud: OpenSSL's own, and the one that the vendors' SDKs for Node document. */
export const certificateVariables: readonly string[] = ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"];

/** How variables and files are read. */
export interface CertificateSource {
  readonly environment: (name: string) => string | undefined;
  /** The text of a file. @throws any error if it cannot be read. */
  readonly readFile: (path: string) => string;
}

/**
 * Reads the certificates that variables name, each file once.
 *
 * @param variables names of variables that hold a file's path; an empty or unset one names none.
 * @returns the files' texts, in PEM form.
 * @throws {CloudError} of kind `invalid` if a file cannot be read or holds no certificate: without it every call would fail for a
 * reason that is harder to find.
 */
export function readCertificates(variables: readonly string[], source: CertificateSource): readonly string[] {
  const texts = new Map<string, string>();
  for (const variable of variables) {
    const path = source.environment(variable) ?? "";
    if (path !== "" && !texts.has(path)) texts.set(path, readFile(path, variable, source));
  }
  return [...texts.values()];
}

/** @throws {CloudError} as {@linkcode readCertificates} does. */
export function checkCertificates(text: string, path: string, origin: string): void {
  if (text.includes("-----BEGIN CERTIFICATE-----")) return;
  throw new CloudError(
    "invalid",
    `Cannot use the certificates of "${path}" (${origin}): the file holds none in PEM form`,
  );
}

function readFile(path: string, variable: string, source: CertificateSource): string {
  let text: string;
  try {
    text = source.readFile(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CloudError("invalid", `Cannot read the certificates "${path}" that ${variable} names: ${why}`, {
      cause,
    });
  }
  checkCertificates(text, path, variable);
  return text;
}
