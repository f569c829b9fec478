/** The files that make a private cloud's TLS work: the authority to trust, and the certificate that this program shows. */

import { CloudError } from "../cloud_error.ts";
import type { ClientCertificate } from "../kit/transport.ts";
import type { CloudsSource } from "./clouds_file.ts";
import type { Setting } from "./proof.ts";

/** @throws {CloudError} of kind `invalid` if `cacert` names no file, or one without certificates. */
export function readAuthorities(setting: Setting, source: CloudsSource): string | null {
  const path = setting("cacert");
  return path === null ? null : readPem("certificates", path, "CERTIFICATE", source);
}

/**
 * Reads `cert` and `key`; without `key` the first file holds both.
 *
 * @returns null if neither is set.
 * @throws {CloudError} of kind `invalid` if a file is missing or is not what it should be.
 */
export function readClientCertificate(setting: Setting, source: CloudsSource): ClientCertificate | null {
  const path = setting("cert");
  const keyPath = setting("key");
  if (path === null && keyPath === null) return null;
  if (path === null) {
    throw new CloudError(
      "invalid",
      `Cannot use the client key "${keyPath}" without a certificate: set cert (OS_CERT)`,
    );
  }
  const certificate = readPem("client certificate", path, "CERTIFICATE", source);
  if (keyPath !== null) return { certificate, key: readPem("client key", keyPath, "PRIVATE KEY", source) };
  if (certificate.includes("PRIVATE KEY-----")) return { certificate, key: certificate };
  throw new CloudError(
    "invalid",
    `Cannot use the client certificate "${path}": the file holds no private key; name its file with key (OS_KEY)`,
  );
}

function readPem(what: string, path: string, label: string, source: CloudsSource): string {
  const text = source.readFile(path.replace(/^~(?=\/)/, source.environment("HOME") ?? "~"));
  if (text === null) {
    throw new CloudError("invalid", `Cannot read the ${what} "${path}": there is no such file`);
  }
  if (text.includes(`${label}-----`)) return text;
  throw new CloudError("invalid", `Cannot use the ${what} "${path}": the file holds none in PEM form`);
}
