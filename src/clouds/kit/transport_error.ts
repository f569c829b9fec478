/** A call that got no answer. */

/** What is known of it besides its text. */
export interface TransportErrorDetails {
  readonly cause?: unknown;
  /** Whether the call's own deadline ended it. */
  readonly timedOut?: boolean;
}

/** The message is `why (METHOD URL)`, and holds no secret: a URL's query may carry a token, so it is left out. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly timedOut: boolean;

  /** @param place method and URL without its query. */
  constructor(place: string, why: string, { cause, timedOut = false }: TransportErrorDetails = {}) {
    super(`${why} (${place})`, cause === undefined ? undefined : { cause });
    this.timedOut = timedOut;
  }
}

/**
 * The reason that fetch gives, without what it puts before it: the URL, the addresses and the phase. Deno 2.6 has it in the error,
 * Deno 2.9 in the error's cause.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  const reason = error.message.replace(/^error sending request .*?client error \([A-Za-z]+\): /, "");
  return reason.replace(/\?[^\s)]*/g, "?…");
}
