/**
 * The API server, as a pod reaches it (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/): what it says of one
 * node.
 */

import * as v from "valibot";
import { Transport } from "../clouds/kit/transport.ts";

/** Deadline of a request in milliseconds. */
const timeoutMs = 10_000;

/** What the API server could not say; the message is a sentence. */
class ApiServerError extends Error {
  override readonly name = "ApiServerError";
}

/** How the API server is reached. */
export interface ApiServerOptions {
  /** `https://10.96.0.1:443`, without a slash at its end. */
  readonly url: string;
  /** The folder with `token` and `ca.crt`. */
  readonly folder: string;
}

const nodeSchema = v.object({
  spec: v.optional(v.object({ podCIDRs: v.optional(v.array(v.string())), podCIDR: v.optional(v.string()) })),
});

/** See the head of this file. */
export class ApiServer {
  readonly #options: ApiServerOptions;

  constructor(options: ApiServerOptions) {
    this.#options = options;
  }

  /**
   * Reads the networks of a node's pods (`spec.podCIDRs` of core/v1 Node): one a family; none until the controller manager has
   * given them. A node keeps them as long as it lives.
   *
   * @throws {ApiServerError} if the node cannot be read; the signal's reason if that ends it.
   */
  async podNetworks(node: string, signal: AbortSignal): Promise<readonly string[]> {
    // Version 0: from the server's cache, which costs it next to nothing.
    const url = `${this.#options.url}/api/v1/nodes/${encodeURIComponent(node)}?resourceVersion=0`;
    try {
      return networksOf(await this.#get(url, signal));
    } catch (cause) {
      signal.throwIfAborted();
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ApiServerError(`Cannot read node ${node} from the API server ${this.#options.url}: ${why}`, {
        cause,
      });
    }
  }

  /** The body of an answer. Token and authority are read for each: they are renewed while the program runs. */
  async #get(url: string, signal: AbortSignal): Promise<string> {
    const { folder } = this.#options;
    const token = (await Deno.readTextFile(`${folder}/token`)).trim();
    using transport = new Transport([await Deno.readTextFile(`${folder}/ca.crt`)]);
    const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
    const { status, body } = await transport.send({
      method: "GET",
      url,
      headers,
      timeoutMs,
      direct: true,
      signal,
    });
    if (status === 200) return new TextDecoder().decode(body);
    throw new ApiServerError(`it answered ${status}${hintOf(status)}`);
  }
}

function hintOf(status: number): string {
  switch (status) {
    case 401:
      return " (the service account's token is not taken)";
    case 403:
      return " (the service account needs a ClusterRole with the verb get on nodes)";
    case 404:
      return " (there is no such node: -node must be its name, which the downward API's spec.nodeName gives)";
    default:
      return "";
  }
}

function networksOf(text: string): readonly string[] {
  const { spec } = v.parse(nodeSchema, JSON.parse(text));
  // podCIDR is the first of podCIDRs, and all that servers before 1.16 have.
  return spec?.podCIDRs ?? (spec?.podCIDR === undefined || spec.podCIDR === "" ? [] : [spec.podCIDR]);
}
