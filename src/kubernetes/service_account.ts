/** How a pod finds the API server and proves who it is. It imports nothing: what gives up power before all else reads it. */

/** Where a pod finds its service account's token (`token`) and the API server's authority (`ca.crt`). */
export const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The variables by which a pod finds the API server. */
export const serverVariables: readonly string[] = ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"];

/**
 * The API server's address by a pod's variables.
 *
 * @returns `https://10.96.0.1:443`; null where there are none: this is no pod.
 */
export function apiServerUrl(environment: (name: string) => string | undefined): string | null {
  const [host = "", port = ""] = serverVariables.map((name) => environment(name) ?? "");
  if (host === "" || port === "") return null;
  return `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
