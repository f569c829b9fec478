/** A certificate authority for one test run, and a certificate of it for 127.0.0.1. Made by openssl at test time. */

/** Where things are; the folder is the caller's to delete. */
export interface Certificates {
  /** For `NODE_EXTRA_CA_CERTS`. */
  readonly authorityFile: string;
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** Why certificates cannot be made here, or null. With `CI` set it is always null: there it must work. */
export function opensslMissing(): string | null {
  if (Deno.env.has("CI")) return null;
  try {
    return new Deno.Command("openssl", { args: ["version"], stdout: "null" }).outputSync().success
      ? null
      : "openssl fails";
  } catch {
    return "openssl is not installed";
  }
}

/** Makes an authority and a server certificate in a folder. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const file = (name: string): string => `${folder}/${name}`;
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  await openssl([
    "req",
    "-x509",
    ...newKey,
    "-subj",
    "/CN=test authority",
    "-keyout",
    file("ca.key"),
    "-out",
    file("ca.pem"),
  ]);
  await openssl([
    ...["req", "-x509", ...newKey, "-subj", "/CN=127.0.0.1", "-CA", file("ca.pem"), "-CAkey", file("ca.key")],
    ...["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"],
    ...["-keyout", file("server.key"), "-out", file("server.pem")],
  ]);
  return {
    authorityFile: file("ca.pem"),
    authority: await Deno.readTextFile(file("ca.pem")),
    certificate: await Deno.readTextFile(file("server.pem")),
    key: await Deno.readTextFile(file("server.key")),
  };
}

async function openssl(args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", {
    args: [...args],
    stdout: "null",
    stderr: "piped",
  })
    .output();
  if (!success) throw new Error(`openssl ${args[0]} failed: ${new TextDecoder().decode(stderr)}`);
}
