/** Traffic, faults and damage of a cloud that is spoken to over HTTP, by way of a {@linkcode Tap}. */

import { type Match, nth, type Seen, type Tap } from "../fakes/tap.ts";
import type { Damage, ExpectedError, FaultCall, Held, Refusal, Traffic } from "./rig.ts";

/** How a cloud words things on the wire. */
export interface Wire {
  /** Picks requests that may change something. */
  readonly isWrite: Match;
  /** Picks requests that log in or fetch credentials. */
  readonly isLogin: Match;
  /** Picks the essential request of a call. */
  readonly request: Readonly<Record<FaultCall, Match>>;
  /** The cloud's own answer for an error. @param retryAfter value of the header Retry-After, if it has one. */
  readonly refusal: (kind: Refusal, call: FaultCall, headers: HeadersInit) => Response;
  /** What the error must carry. */
  readonly expected: (kind: Refusal, call: FaultCall) => ExpectedError;
  /** A document in the cloud's form that lacks what it is about, for the damage `incomplete`. */
  readonly incomplete: (call: FaultCall) => string;
}

/** See the head of this file. */
export class HttpTraffic implements Traffic {
  readonly #tap: Tap;
  readonly #wire: Wire;

  constructor(tap: Tap, wire: Wire) {
    this.#tap = tap;
    this.#wire = wire;
  }

  get count(): number {
    return this.#tap.seen.length;
  }

  get writes(): number {
    return this.#tap.seen.filter(this.#wire.isWrite).length;
  }

  get logins(): number {
    return this.#tap.seen.filter(this.#wire.isLogin).length;
  }

  get secrets(): ReadonlySet<string> {
    return new Set(this.#tap.seen.flatMap(secretsOf));
  }

  async settled(): Promise<void> {
    for (let last = -1; last !== this.count;) {
      last = this.count;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  holdNth(index: number): Held {
    return this.#tap.hold(nth(index));
  }

  holdLogin(): Held {
    return this.#tap.hold(this.#wire.isLogin);
  }

  loseNth(index: number): void {
    this.#tap.change(nth(index), cutOff, 1);
  }

  record(): void {
    this.#tap.record();
  }

  rewind(): void {
    this.#tap.rewind();
  }

  beforeEachAnswer(look: () => Promise<void>): void {
    this.#tap.watch = look;
  }

  /** See {@linkcode ContractRig.fail}. */
  fail(kind: Refusal, call: FaultCall, retryAfter?: string): ExpectedError {
    const headers = retryAfter === undefined ? {} : { "retry-after": retryAfter };
    this.#tap.answer(this.#wire.request[call], () => this.#wire.refusal(kind, call, headers));
    return this.#wire.expected(kind, call);
  }

  /** See {@linkcode ContractRig.damage}. */
  damage(damage: Damage, call: FaultCall): void {
    const incomplete = this.#wire.incomplete(call);
    this.#tap.change(this.#wire.request[call], (response) => damaged(response, damage, incomplete));
  }
}

/** Where the clouds' requests carry what nobody else may read. */
const secretHeaders = [
  "authorization",
  "x-auth-token",
  "x-subject-token",
  "x-amz-security-token",
  "x-aws-ec2-metadata-token",
] as const;
const secretFields =
  /"?(?:password|secret|client_secret|client_assertion|assertion|refresh_token)"?[:=]"?([^"&]+)/g;

/** The tokens, passwords and signatures that a request carries. */
export function secretsOf({ headers, body }: Pick<Seen, "headers" | "body">): string[] {
  const carried = secretHeaders.flatMap((name) => headers.get(name) ?? []);
  const words = carried.map((value) => value.replace(/^\S+ /, "").replace(/^.*Signature=/, ""));
  const fields = [...body.matchAll(secretFields)].map(([, value]) => decodeURIComponent(value ?? ""));
  return [...words, ...fields].filter((secret) => secret.length >= 4);
}

/** Whether a request's path ends so. */
export function pathEnds(method: string, end: RegExp): Match {
  return (seen: Seen) => seen.method === method && end.test(decodeURIComponent(seen.url.pathname));
}

async function damaged(response: Response, damage: Damage, incomplete: string): Promise<Response> {
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  const text = await response.text();
  const with200 = (body: string, type?: string): Response => {
    if (type !== undefined) headers.set("content-type", type);
    return new Response(body, { status: 200, headers });
  };
  switch (damage) {
    case "empty":
      return with200("");
    case "truncated":
      return with200(text.slice(0, Math.floor(text.length / 2)));
    case "foreign":
      return with200("<!doctype html><html><body>Please log in</body></html>", "text/html");
    case "incomplete":
      return with200(incomplete);
    case "cut off":
      return cutOff(new Response(text, { headers }));
  }
}

/** The connection breaks in the midst of the answer: it is shorter than it says. */
async function cutOff(response: Response): Promise<Response> {
  const text = (await response.text()).padEnd(2);
  const headers = new Headers(response.headers);
  headers.set("content-length", String(new TextEncoder().encode(text).length));
  const body = new ReadableStream({
    start(controller): void {
      controller.enqueue(new TextEncoder().encode(text.slice(0, text.length / 2)));
      controller.close();
    },
  });
  return new Response(body, { status: 200, headers });
}
