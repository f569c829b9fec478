/**
 * The proof that a service principal has the key of its certificate: a signed JWT (learn.microsoft.com, "Microsoft identity platform
 * application authentication certificate credentials").
 *
 * The library makes it too, but Deno reads no key out of a file that holds the certificate as well, and that is the form in which
 * Azure's users keep them.
 */

import { createHash, createPrivateKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";

/** Whose proof it is, and for whom. */
export interface AssertionOptions {
  /** The token endpoint's URL. */
  readonly audience: string;
  readonly clientId: string;
  /** PEM file with the private key and its certificate, in any order. */
  readonly certificatePath: string;
  /** Of the key; undefined where it has none. */
  readonly password: string | undefined;
  /** Whether the certificates go along, for applications that trust an issuer and a name (`x5c`). */
  readonly sendChain: boolean;
}

/** How long a proof is good, in seconds. */
const lifetimeS = 600;

/**
 * Makes a proof. The file is read each time: certificates are renewed.
 *
 * @throws {Error} if the file cannot be read, or lacks a key or certificate; its message quotes nothing of it.
 */
export async function clientAssertion(options: AssertionOptions): Promise<string> {
  const { audience, clientId, certificatePath, password, sendChain } = options;
  const text = await readFile(certificatePath, "utf8");
  const certificates = [...text.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g)]
    .map(([, body = ""]) => body.replace(/\s+/g, ""));
  const [certificate] = certificates;
  if (certificate === undefined) throw new Error(`"${certificatePath}" holds no certificate in PEM form`);
  const thumbprint = createHash("sha256").update(certificate, "base64").digest("base64url");
  const chain = sendChain ? { x5c: certificates } : {};
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    aud: audience,
    iss: clientId,
    sub: clientId,
    jti: crypto.randomUUID(),
    nbf: now,
    exp: now + lifetimeS,
  };
  return await signed(
    { alg: "PS256", typ: "JWT", "x5t#S256": thumbprint, ...chain },
    claims,
    privateKey(text, certificatePath, password),
  );
}

function privateKey(text: string, path: string, passphrase: string | undefined): KeyObject {
  const key = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----/s.exec(text)?.[0];
  if (key === undefined) throw new Error(`"${path}" holds no private key in PEM form`);
  try {
    return createPrivateKey({ key, format: "pem", ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (cause) {
    throw new Error(
      `The private key of "${path}" cannot be read: wrong or no password, or a form that is not known`,
      {
        cause,
      },
    );
  }
}

/**
 * RFC 7515, compact form, with PS256 (RFC 7518 section 3.5). Signed by Web Crypto: `sign` of node:crypto takes no notice of the
 * padding in Deno 2.6, and its signature is refused.
 */
async function signed(header: unknown, claims: unknown, key: KeyObject): Promise<string> {
  const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
  const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
  const text = [header, claims].map((part) => base64url(encode(JSON.stringify(part)))).join(".");
  const der = Uint8Array.from(key.export({ type: "pkcs8", format: "der" }));
  const algorithm = { name: "RSA-PSS", hash: "SHA-256" };
  const signer = await crypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
  const signature = await crypto.subtle.sign({ name: "RSA-PSS", saltLength: 32 }, signer, encode(text));
  return `${text}.${base64url(new Uint8Array(signature))}`;
}
