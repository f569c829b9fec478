/** A certificate authority for one test run, and a certificate of it for 127.0.0.1 and ::1. Made by openssl at test time. */

import { programMissing } from "../needs.ts";

/** Where things are; the folder is the caller's to delete. */
export interface Certificates {
  /** For `NODE_EXTRA_CA_CERTS`. */
  readonly authorityFile: string;
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** Why certificates cannot be made here, or null. */
export function opensslMissing(): string | null {
  return programMissing("openssl");
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
    ...["-addext", "subjectAltName=IP:127.0.0.1,IP:::1", "-addext", "basicConstraints=critical,CA:FALSE"],
    ...["-keyout", file("server.key"), "-out", file("server.pem")],
  ]);
  return {
    authorityFile: file("ca.pem"),
    authority: await Deno.readTextFile(file("ca.pem")),
    certificate: await Deno.readTextFile(file("server.pem")),
    key: await Deno.readTextFile(file("server.key")),
  };
}

/** Makes a key and a certificate for it in one file, as a service principal has it. @returns the file's path. */
export async function makeClientCertificate(folder: string): Promise<string> {
  const [key, certificate, both] = ["client.key", "client.pem", "client.both.pem"].map((name) =>
    `${folder}/${name}`
  );
  const files = ["-keyout", `${key}`, "-out", `${certificate}`];
  await openssl([
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "2",
    "-subj",
    "/CN=client",
    ...files,
  ]);
  const text = await Deno.readTextFile(`${key}`) + await Deno.readTextFile(`${certificate}`);
  await Deno.writeTextFile(`${both}`, text);
  return `${both}`;
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
