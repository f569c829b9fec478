/** Asks the running service by its socket. */

/** What the service answered; `running` is false where no service answers. */
export type ServiceAnswer =
  | { readonly running: false; readonly why: string }
  | { readonly running: true; readonly body: unknown };

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
    return { running: false, why: whyNot(cause) };
  }
}

function whyNot(cause: unknown): string {
  if (cause instanceof DOMException && cause.name === "TimeoutError") return "it does not answer";
  const text = cause instanceof Error ? `${cause.message} ${String(cause.cause ?? "")}` : String(cause);
  if (/permission denied|NotCapable|os error 13/i.test(text)) {
    return "its socket may not be opened by this user";
  }
  return "nobody listens on its socket";
}
