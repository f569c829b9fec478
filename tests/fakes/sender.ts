/**
 * Sends requests by a transport in a process of its own: `deno run -A sender.ts JSON`. Proxy variables are a whole process's, and test
 * files that run beside each other share one.
 */

import { Transport, type TransportRequest } from "../../src/clouds/kit/transport.ts";
import { proxyVariables } from "../../src/clouds/kit/proxy_variables.ts";

/** What is told of a request to send; all else is as usual. */
export type SentRequest =
  & Pick<TransportRequest, "url">
  & Partial<Pick<TransportRequest, "direct" | "timeoutMs">>;

/**
 * Sends GET requests, one after the other, whatever becomes of them, while these variables and no other proxy variables are set.
 *
 * @throws {Error} if the process fails.
 */
export async function sendWith(
  variables: Readonly<Record<string, string>>,
  requests: readonly SentRequest[],
): Promise<void> {
  const others = Object.entries(Deno.env.toObject()).filter(([name]) => !proxyVariables.includes(name));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "-A", import.meta.filename ?? "", JSON.stringify(requests)],
    clearEnv: true,
    env: { ...Object.fromEntries(others), ...variables },
  }).output();
  if (!success) throw new Error(`Cannot send: ${new TextDecoder().decode(stderr)}`);
}

if (import.meta.main) {
  using transport = new Transport();
  // The test's own requests.
  for (const request of JSON.parse(Deno.args[0] ?? "[]") as readonly SentRequest[]) {
    const { signal } = new AbortController();
    await transport.send({ method: "GET", headers: {}, timeoutMs: 10_000, signal, ...request })
      .catch(() => {});
  }
}
