/**
 * What every request to a fake passes through: a log of the requests, and what a test does to them. A request can be answered in
 * place of the fake, be held until the test lets it go, or have its answer changed after it took effect.
 */

/** A request as it came in. */
export interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string;
}

/** Picks requests. */
export type Match = (seen: Seen) => boolean;

/** A request that is held. */
export interface Hold {
  /** Resolves when the request has arrived. */
  readonly reached: Promise<void>;
  /** Lets the request go on. */
  readonly release: () => void;
}

/** Carried by a request that has passed the tap already, at a {@linkcode Door}. */
export const passedHeader = "x-test-passed";

interface Recorded {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string | null;
  given: boolean;
}

interface Rule {
  readonly match: Match;
  left: number;
}
type Answer = Rule & { readonly answer: (seen: Seen) => Response | Promise<Response> };
type Change = Rule & { readonly change: (response: Response) => Response | Promise<Response> };
type Held = Rule & {
  readonly reached: PromiseWithResolvers<void>;
  readonly end: PromiseWithResolvers<"go" | "drop">;
};

/** See the head of this file. */
export class Tap {
  readonly seen: Seen[] = [];
  /** Runs after each answer, before it is sent. */
  watch: (() => void | Promise<void>) | null = null;
  /** Answers by request, in their order; null while nothing is recorded. */
  #record: Map<string, Recorded[]> | null = null;
  #isReplaying = false;
  #answers: Answer[] = [];
  #changes: Change[] = [];
  #held: Held[] = [];

  /** Handles a request: by what the test has set, else by the fake itself. */
  async pass(
    request: Request,
    handle: (request: Request) => Response | Promise<Response>,
  ): Promise<Response> {
    if (request.headers.has(passedHeader)) return await handle(request);
    const { method, headers } = request;
    const seen: Seen = { method, headers, url: new URL(request.url), body: await request.clone().text() };
    this.seen.push(seen);
    const held = take(this.#held, seen);
    held?.reached.resolve();
    if (await held?.end.promise === "drop") return new Response("dropped by the test", { status: 503 });
    const answer = take(this.#answers, seen);
    const response = answer === null
      ? await this.#recorded(seen, request, handle)
      : await answer.answer(seen);
    const change = answer === null ? take(this.#changes, seen) : null;
    const changed = change === null ? response : await change.change(response);
    await this.watch?.();
    return changed;
  }

  /** Answers requests in place of the fake. */
  answer(match: Match, answer: Answer["answer"], times = Infinity): void {
    this.#answers.push({ match, left: times, answer });
  }

  /** Changes the fake's answers to requests, which have taken effect. */
  change(match: Match, change: Change["change"], times = Infinity): void {
    this.#changes.push({ match, left: times, change });
  }

  /** Holds the first request that matches from now on. */
  hold(match: Match): Hold {
    const held: Held = {
      match,
      left: 1,
      reached: Promise.withResolvers(),
      end: Promise.withResolvers(),
    };
    this.#held.push(held);
    return { reached: held.reached.promise, release: () => held.end.resolve("go") };
  }

  /** Records the answers from now on, until {@linkcode reset}: the same requests then have the same answers, without the fake. */
  record(): void {
    this.#record = new Map();
    this.#isReplaying = false;
  }

  /** Forgets which of the recorded answers were given: they are given again from the first on. */
  rewind(): void {
    this.#isReplaying = true;
    for (const answers of this.#record?.values() ?? []) for (const each of answers) each.given = false;
  }

  /** Lets all requests through again. What is held still ends without having taken effect. */
  clear(): void {
    for (const { end } of this.#held) end.resolve("drop");
    this.#answers = [];
    this.#changes = [];
    this.#held = [];
    this.watch = null;
  }

  /** Clears it and forgets what was seen. */
  reset(): void {
    this.clear();
    this.seen.length = 0;
    this.#record = null;
  }

  async #recorded(
    seen: Seen,
    request: Request,
    handle: (request: Request) => Response | Promise<Response>,
  ): Promise<Response> {
    if (this.#record === null) return await handle(request);
    const key = `${seen.method} ${seen.url} ${seen.body.replace(/\bClientToken=[^&]*/, "")}`;
    const answers = this.#record.get(key) ?? [];
    this.#record.set(key, answers);
    // A caller that gave up may leave a request behind, which is then one more than there were.
    let found = answers.find(({ given }) => !given) ?? (this.#isReplaying ? answers.at(-1) : undefined);
    if (found === undefined) {
      const { status, headers, body } = await handle(request);
      found = { status, headers, body: body === null ? null : await new Response(body).text(), given: true };
      answers.push(found);
    }
    found.given = true;
    return new Response(found.body, found);
  }
}

/** Picks every n-th request of those that come, counted from 0: that one alone. */
export function nth(index: number): Match {
  let count = 0;
  return () => count++ === index;
}

function take<R extends Rule>(rules: readonly R[], seen: Seen): R | null {
  const found = rules.find((rule) => rule.left > 0 && rule.match(seen)) ?? null;
  if (found !== null) found.left--;
  return found;
}
