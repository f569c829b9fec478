/** The address that `-listen` names, and what is said when nobody can listen there. */

import { systemCause } from "../clouds/system_cause.ts";
import { addressOrNull, parseAddress } from "../routes/prefix.ts";
import type { GivenValue } from "./command_line.ts";

/** Where to listen. */
export interface ListenAddress {
  /** An IP address, or a name that the system looks up. */
  readonly hostname: string;
  readonly port: number;
}

/** Nobody can listen at the address. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  /** Whether it may heal while the program runs: another program ends, the address comes to this machine. */
  readonly heals: boolean;

  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.heals = !(cause instanceof Deno.errors.PermissionDenied);
  }
}

/**
 * Reads `ADDRESS:PORT`, `[ADDRESS]:PORT` or `:PORT`.
 *
 * @throws {SyntaxError} naming the text and what is wrong with it.
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, ipv6, name, digits = ""] = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "") throw new SyntaxError(`"${text}" is not ADDRESS:PORT, [ADDRESS]:PORT or :PORT`);
  if (port > 65535) throw new RangeError(`"${digits}" is not a whole number from 0 to 65535`);
  if (ipv6 !== undefined) return { hostname: ipv6AddressOf(ipv6), port };
  return { hostname: name === undefined || name === "" ? "0.0.0.0" : hostOf(name), port };
}

/**
 * Reads a name by which browsers ask (`-listen-host`): RFC 3986's `reg-name`, of letters, digits, dashes and dots.
 *
 * @throws {SyntaxError} naming the text and what is wrong with it.
 */
export function parseHostName(text: string): string {
  if (/^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/.test(text)) return text;
  throw new SyntaxError(`"${text}" is not a host's name: letters, digits, dashes and dots, without a port`);
}

/** Sentences about flags that say how to listen, where nobody listens. */
export function listenFaults(values: readonly GivenValue[]): readonly string[] {
  return values.filter(({ flag }) => flag === "listen-token-file" || flag === "listen-host")
    .map(({ source }) => `${source} has no meaning without -listen`);
}

/**
 * Begins to listen, and says what is in the way in terms of the flag.
 *
 * @param serve begins to listen at the address, as in `() => serveStatus(address, observe)`.
 * @throws {ListenError} naming the address, the flag and the cause.
 */
export function listening<T>(address: ListenAddress, serve: () => T): T {
  try {
    return serve();
  } catch (cause) {
    throw new ListenError(`Cannot listen on ${textOf(address)} (-listen): ${whyNot(cause)}`, cause);
  }
}

/** Whether the host is a name that DNS may be asked for; `localhost` is one that every system knows. */
export function isLookedUp({ hostname }: ListenAddress): boolean {
  return addressOrNull(hostname) === null && hostname.toLowerCase() !== "localhost";
}

/** As it is written: `127.0.0.1:9100`, `[::1]:9100`. */
export function textOf({ hostname, port }: ListenAddress): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

function ipv6AddressOf(text: string): string {
  const address = text.includes(":") ? parseAddress(text) : null;
  if (address === null) throw new SyntaxError(`"${text}" in brackets is not an IPv6 address`);
  return address.text;
}

/** What looks like an IPv4 address must be one: to look it up as a name would take seconds, and find nothing. */
function hostOf(text: string): string {
  if (/^[0-9.]+$/.test(text)) return parseAddress(text).text;
  if (/^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/.test(text)) return text;
  throw new SyntaxError(`"${text}" is neither an IP address nor the name of a host`);
}

function whyNot(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) return "the address is in use";
  if (error instanceof Deno.errors.AddrNotAvailable) return "this machine does not have the address";
  if (error instanceof Deno.errors.PermissionDenied) {
    return "permission denied (a port below 1024 needs CAP_NET_BIND_SERVICE)";
  }
  return systemCause(error);
}
