/** An API server that knows one node: TLS of its own authority, a token that it checks, and a service account's folder for pods. */

import { makeCertificates } from "./certificates.ts";

/** See the head of this file. */
export class KubernetesRig implements AsyncDisposable {
  /** Folder with `token` and `ca.crt`, laid out with links as the kubelet does it. */
  readonly serviceAccount: string;
  readonly port: number;
  /** `spec.podCIDRs` of the node; null: there is no such node. */
  podNetworks: readonly string[] | null = [];
  /** Status that every request gets instead of an answer, or null. */
  status: number | null = null;
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  readonly #folder: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #node: string;

  private constructor(folder: string, node: string, certificate: string, key: string) {
    this.#folder = folder;
    this.#node = node;
    this.serviceAccount = `${folder}/account`;
    const listen = { hostname: "127.0.0.1", port: 0, cert: certificate, key, onListen: (): void => {} };
    this.#server = Deno.serve(listen, (request) => this.#answer(request));
    this.port = this.#server.addr.port;
  }

  /** Starts a server with a node that has no pod network yet. */
  static async start(node: string): Promise<KubernetesRig> {
    const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-kubernetes-" });
    const { authority, certificate, key } = await makeCertificates(folder);
    const account = `${folder}/account`;
    await Deno.mkdir(`${account}/..2026`, { recursive: true });
    await Deno.writeTextFile(`${account}/..2026/token`, "a-token\n");
    await Deno.writeTextFile(`${account}/..2026/ca.crt`, authority);
    await Deno.symlink("..2026", `${account}/..data`);
    for (const name of ["token", "ca.crt"]) await Deno.symlink(`..data/${name}`, `${account}/${name}`);
    return new KubernetesRig(folder, node, certificate, key);
  }

  /** A pod's variables. */
  get environment(): Record<string, string> {
    return { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: `${this.port}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    await Deno.remove(this.#folder, { recursive: true });
  }

  #answer(request: Request): Response {
    const { pathname } = new URL(request.url);
    this.asked.push(pathname);
    if (request.headers.get("authorization") !== "Bearer a-token") return status(401);
    if (this.status !== null) return status(this.status);
    if (pathname !== `/api/v1/nodes/${this.#node}` || this.podNetworks === null) return status(404);
    const [first] = this.podNetworks;
    return Response.json({
      kind: "Node",
      apiVersion: "v1",
      metadata: { name: this.#node, resourceVersion: "7" },
      spec: first === undefined ? {} : { podCIDR: first, podCIDRs: this.podNetworks },
    });
  }
}

/** As the API server says what is wrong. */
function status(code: number): Response {
  return Response.json({ kind: "Status", apiVersion: "v1", status: "Failure", code }, { status: code });
}
