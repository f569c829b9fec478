/**
 * Who may see the page and its data (`/`, `/status`, `/events`, `/routes`). Metrics and probes are open to whoever reaches the address:
 * Prometheus finds its targets by any name, and a kubelet can send no token.
 *
 * - At an address that others reach a token is needed; without `-listen-token-file` they get nothing.
 * - `Host` must be an address, a loopback name, the name of `-listen` or one of `-listen-host`: a web site whose name is rebound to this
 *   address (DNS rebinding) is then refused.
 * - Another site's scripts are refused by `Origin` and `Sec-Fetch-Site` (Fetch Metadata): they could not read the answer, but would keep
 *   event streams open.
 */

import { addressOrNull, parsePrefix, prefixContainsAddress } from "../routes/prefix.ts";

/** What decides. */
export interface AccessRules {
  /** Where it listens: an address, or a name. */
  readonly hostname: string;
  /** Further names by which browsers may ask (`-listen-host`). */
  readonly hosts: readonly string[];
  /** The current token; null: none is asked for. */
  readonly token: () => string | null;
}

/** Why a request is refused. */
export interface Refusal {
  readonly status: 401 | 403 | 421;
  /** One sentence. */
  readonly text: string;
}

const loopbackRanges = [
  parsePrefix("127.0.0.0/8"),
  parsePrefix("::1/128"),
  parsePrefix("::ffff:127.0.0.0/104"),
];

/** Whether only this machine reaches an address or a name. */
export function isLoopback(hostname: string): boolean {
  const address = addressOrNull(hostname);
  if (address !== null) return loopbackRanges.some((range) => prefixContainsAddress(range, address));
  return hostname === "localhost" || hostname.endsWith(".localhost");
}

/**
 * Decides about a request.
 *
 * @param isShell whether the page itself is asked for, without any data: a browser sends no token with it.
 * @returns null if it is allowed.
 */
export async function refusal(
  request: Request,
  rules: AccessRules,
  isShell: boolean,
): Promise<Refusal | null> {
  const host = request.headers.get("host") ?? "";
  if (!isKnownHost(host, rules)) {
    const name = JSON.stringify(host.slice(0, 100));
    return { status: 421, text: `This service is not known by the name ${name}: -listen-host adds a name` };
  }
  if (!isShell && isOfAnotherSite(request.headers, host)) {
    return { status: 403, text: "Another web site's page may not ask this service" };
  }
  const token = rules.token();
  if (token === null) {
    return isLoopback(rules.hostname) ? null : {
      status: 403,
      text:
        "This address can be reached by others: name a file with a token by -listen-token-file to see page and status (/metrics, /healthz and /readyz need none)",
    };
  }
  if (isShell) return null;
  const [scheme = "", given = ""] = (request.headers.get("authorization") ?? "").trim().split(/ +/);
  if (scheme.toLowerCase() === "bearer" && await isSame(given, token)) return null;
  return { status: 401, text: "Send the token of -listen-token-file as Authorization: Bearer TOKEN" };
}

function isKnownHost(host: string, { hostname, hosts }: AccessRules): boolean {
  const [, bracketed, plain] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::[0-9]{1,5})?$/.exec(host) ?? [];
  const name = (bracketed ?? plain ?? "").toLowerCase().replace(/\.$/, "");
  if (name === "") return false;
  return addressOrNull(name) !== null || isLoopback(name) ||
    [hostname, ...hosts].some((known) => known.toLowerCase() === name);
}

/** Whether a browser says that the request is another site's. What is no browser says nothing. */
function isOfAnotherSite(headers: Headers, host: string): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin" && site !== "none") return true;
  const origin = headers.get("origin");
  // A proxy in front may speak TLS.
  return origin !== null && origin !== `http://${host}` && origin !== `https://${host}`;
}

/** Compares in a time that tells nothing of where the texts differ. */
async function isSame(given: string, expected: string): Promise<boolean> {
  const digest = async (text: string): Promise<Uint8Array> =>
    new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  const [left, right] = [await digest(given), await digest(expected)];
  return left.reduce((difference, byte, index) => difference | (byte ^ (right[index] ?? 0)), 0) === 0;
}
