/** Finds the address of a host's name, as the system does (/etc/hosts, DNS), while the event loop goes on. */

import process from "node:process";

/** @returns the first address, in the system's order. @throws {Error} if there is none, or nobody answers. */
export async function lookUpHost(name: string): Promise<string> {
  // Deno's node:dns loads what Deno's node:punycode warns of on standard error, which is the log.
  Object.assign(process, { noDeprecation: true });
  const { lookup } = await import("node:dns/promises");
  return (await lookup(name)).address;
}
