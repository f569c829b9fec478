/** The variables that name proxies, as Deno's fetch reads them. */

/** See the head of this file. */
export const proxyVariables: readonly string[] = [
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
  "no_proxy",
];

/** Whether `NO_PROXY` says `*`: no proxy at all, as curl and Go read it; Deno does not. */
export function noProxyAtAll(): boolean {
  const excepted = Deno.env.get("NO_PROXY") ?? Deno.env.get("no_proxy") ?? "";
  return excepted.split(",").some((entry) => entry.trim() === "*");
}

/**
 * Makes something while no proxy variable is set. Deno reads them only when it creates a client, and has no option for a client
 * without a proxy.
 *
 * @param make must not wait: the variables are the whole process's.
 */
export function withoutProxyVariables<T>(make: () => T): T {
  const set = proxyVariables.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  for (const [name] of set) Deno.env.delete(name);
  try {
    return make();
  } finally {
    for (const [name, value] of set) Deno.env.set(name, value);
  }
}
