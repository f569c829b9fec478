/** Asks the running service by its socket. */

/** That no service answers. */
export interface NoAnswer {
  readonly running: false;
  /** `unknown`: one may run, but it may not be asked, or it does not answer. */
  readonly state: "not running" | "unknown";
  readonly why: string;
  /** What to type. */
  readonly remedy: string;
}

/** What the service answered; `running` is false where no service answers. */
export type ServiceAnswer = NoAnswer | { readonly running: true; readonly body: unknown };

/** A service that is alive answers at once. */
const timeoutMs = 5_000;

/**
 * Asks.
 *
 * @param path the socket.
 * @param request see `service_socket.ts`.
 * @throws {Error} if a service answered what makes no sense.
 */
export async function askService(
  path: string,
  request: "GET /status" | "GET /log" | "POST /release",
): Promise<ServiceAnswer> {
  const [method = "GET", pathname = "/"] = request.split(" ");
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  try {
    // An address, because Deno looks a name up though the socket alone is asked; a VM without DNS would wait for seconds.
    const response = await fetch(`http://127.0.0.1${pathname}`, {
      method,
      client,
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!response.ok) throw new Error(`Cannot ask the service at ${path}: it answered ${response.status}`);
    return { running: true, body: await response.json() };
  } catch (cause) {
    if (cause instanceof Error && cause.message.startsWith("Cannot ask")) throw cause;
    return { running: false, ...whyNot(cause) };
  }
}

/** For people, in one line. @param path the socket. */
export function noAnswerText({ state, why }: NoAnswer, path: string): string {
  return `${state}: ${why} (${path})`;
}

function whyNot(cause: unknown): Omit<NoAnswer, "running"> {
  if (cause instanceof DOMException && cause.name === "TimeoutError") {
    return {
      state: "unknown",
      why: `the service did not answer within ${timeoutMs / 1000} s`,
      remedy:
        "See what it does: journalctl -u cloudroutesync. If it hangs: systemctl restart cloudroutesync.",
    };
  }
  const text = cause instanceof Error ? `${cause.message} ${String(cause.cause ?? "")}` : String(cause);
  if (/permission denied|NotCapable|os error 13/i.test(text)) {
    return {
      state: "unknown",
      why: "this user may not open the service's socket",
      remedy: "Ask as root: put sudo before the command.",
    };
  }
  return {
    state: "not running",
    why: "nobody listens on its socket",
    remedy:
      "Start it with: systemctl start cloudroutesync. For a service with another -owner or -state, or with -cloud local, give the " +
      "same flags.",
  };
}
