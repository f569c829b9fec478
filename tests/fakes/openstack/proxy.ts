/**
 * What stands before the real servers: one address for Keystone, Neutron and the metadata service, a log of the calls, and
 * faults on demand.
 */

import { Tap } from "../tap.ts";

/** A call that went through. */
export interface ProxiedCall {
  readonly method: string;
  /** Path with query, as the client sent it: `/network/v2.0/routers/…`. */
  readonly path: string;
  readonly status: number;
  readonly requestBody: string;
  /** The condition of the call, null where it had none. */
  readonly ifMatch: string | null;
  /** When the call came and when its answer was there: milliseconds of `performance.now`. */
  readonly arrivedAt: number;
  readonly answeredAt: number;
}

/** What to do to calls that match. */
export interface Fault {
  /** Tested against `METHOD /path?query`. */
  readonly match: RegExp;
  /** Calls it strikes; unlimited unless told. */
  readonly times?: number;
  /** Waited before anything else happens, in milliseconds. */
  readonly delayMs?: number;
  /** Answered in place of the server. */
  readonly answer?: (request: Request) => Response | Promise<Response>;
  /** Changes the server's answer; the call has taken effect. */
  readonly change?: (response: Response) => Response | Promise<Response>;
}

/** Where a path's first part leads to: a server's base URL, or a function that answers itself. */
export type Backend = string | ((request: Request) => Response);

/** A reverse proxy on loopback and on a Unix socket, the latter for clients in another network namespace. */
export class FaultProxy implements AsyncDisposable {
  readonly tap = new Tap();
  readonly calls: ProxiedCall[] = [];
  /** The token of the last call that carried one. */
  lastToken: string | null = null;
  readonly url: string;
  readonly port: number;
  readonly socketPath: string;
  readonly #backends: ReadonlyMap<string, Backend>;
  readonly #servers: readonly Deno.HttpServer[];
  #faults: { readonly fault: Fault; left: number }[] = [];

  /** @param socketPath where the Unix socket is made. */
  constructor(backends: ReadonlyMap<string, Backend>, socketPath: string) {
    this.#backends = backends;
    this.socketPath = socketPath;
    const handler = (request: Request): Promise<Response> =>
      this.tap.pass(request, (passed) => this.#handle(passed));
    const onListen = (): void => {};
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen }, handler);
    this.#servers = [server, Deno.serve({ path: socketPath, onListen }, handler)];
    this.port = server.addr.port;
    this.url = `http://127.0.0.1:${this.port}`;
  }

  /** Adds a fault; the first that matches strikes. */
  inject(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? Infinity });
  }

  /** Forgets faults and calls. */
  clear(): void {
    this.#faults = [];
    this.calls.length = 0;
  }

  /** The logged calls whose `METHOD /path` match. */
  callsTo(match: RegExp): ProxiedCall[] {
    return this.calls.filter((call) => match.test(`${call.method} ${call.path}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.shutdown()));
  }

  async #handle(request: Request): Promise<Response> {
    const arrivedAt = performance.now();
    const { pathname, search } = new URL(request.url);
    const path = `${pathname}${search}`;
    const requestBody = await request.clone().text();
    const fault = this.#take(`${request.method} ${path}`);
    if (fault?.delayMs !== undefined) await new Promise((wake) => setTimeout(wake, fault.delayMs));
    let response = await (fault?.answer?.(request) ?? this.#forward(request, path, requestBody));
    if (fault?.change !== undefined) response = await fault.change(response);
    const { method } = request;
    const { status } = response;
    this.lastToken = request.headers.get("x-auth-token") ?? this.lastToken;
    const ifMatch = request.headers.get("if-match");
    this.calls.push({ method, path, status, requestBody, ifMatch, arrivedAt, answeredAt: performance.now() });
    return response;
  }

  #take(line: string): Fault | null {
    const found = this.#faults.find(({ fault, left }) => left > 0 && fault.match.test(line));
    if (found === undefined) return null;
    found.left--;
    return found.fault;
  }

  async #forward(request: Request, path: string, body: string): Promise<Response> {
    const [, first = "", rest = ""] = /^\/([^/?]*)(.*)$/.exec(path) ?? [];
    const backend = this.#backends.get(first);
    if (backend === undefined) return new Response("no such server", { status: 404 });
    if (typeof backend === "function") return backend(request);
    const headers = new Headers(request.headers);
    headers.delete("host");
    try {
      const response = await fetch(`${backend}${rest}`, {
        method: request.method,
        headers,
        body: body === "" ? null : body,
        redirect: "manual",
      });
      const text = response.status === 204 ? null : await response.text();
      return new Response(text, { status: response.status, headers: plainHeaders(response.headers) });
    } catch {
      return new Response("<html><body><h1>503 Service Unavailable</h1></body></html>", { status: 503 });
    }
  }
}

/** The body has been decoded and measured anew. */
function plainHeaders(headers: Headers): Headers {
  const plain = new Headers(headers);
  for (const name of ["content-length", "content-encoding", "transfer-encoding"]) plain.delete(name);
  return plain;
}
