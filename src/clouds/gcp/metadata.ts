/** The metadata server of a VM on Compute Engine (https://cloud.google.com/compute/docs/metadata/overview). */

import * as v from "valibot";
import { CloudError } from "../cloud_error.ts";
import { call, kindOfStatus } from "../http.ts";
import type { Transport } from "../kit/transport.ts";
import { metadataInterfaces, tokenAnswer } from "./schemas.ts";
import { parseAnswer } from "../kit/answer.ts";
import { scopeRemedy } from "./errors.ts";
import { resourceName } from "./resource_url.ts";

/** It answers from the host itself, at once or never. */
const timeoutMs = 5_000;
const flavor = { "metadata-flavor": "Google" };

/** What the metadata server says of this VM. */
export interface VmMetadata {
  readonly project: string;
  readonly zone: string;
  readonly name: string;
  /** By interface, `nic0` first. */
  readonly interfaces: v.InferOutput<typeof metadataInterfaces>;
}

/** A reader of the metadata server. */
export class MetadataServer {
  readonly #transport: Transport;
  readonly #base: string;

  /** @param host host, host and port, or URL: what `GCE_METADATA_HOST` may hold. */
  constructor(transport: Transport, host: string) {
    this.#transport = transport;
    this.#base = (/^https?:\/\//.test(host) ? host : `http://${host}`).replace(/\/+$/, "");
  }

  /** Who this VM is. */
  async vm(signal: AbortSignal): Promise<VmMetadata> {
    const [project, zone, name, interfaces] = await Promise.all([
      this.#text("project/project-id", signal),
      this.#text("instance/zone", signal),
      this.#text("instance/name", signal),
      this.#json("instance/network-interfaces/?recursive=true", metadataInterfaces, signal),
    ]);
    return { project, zone: resourceName(zone), name, interfaces };
  }

  /** A token of the VM's service account, and the seconds that it lasts. */
  async token(signal: AbortSignal): Promise<v.InferOutput<typeof tokenAnswer>> {
    try {
      return await this.#json("instance/service-accounts/default/token", tokenAnswer, signal);
    } catch (error) {
      if (!(error instanceof CloudError && error.kind === "gone")) throw error;
      // Not `gone`: whoever needs the token asked for something else, which may well be there.
      throw new CloudError("denied", "Cannot get a token: this VM has no service account", {
        cause: error,
        remedy: scopeRemedy("VM", "ZONE"),
      });
    }
  }

  /** The access scopes of the VM's service account; none where it has no service account. */
  async scopes(signal: AbortSignal): Promise<readonly string[]> {
    try {
      return (await this.#text("instance/service-accounts/default/scopes", signal)).split(/\s+/).filter(
        Boolean,
      );
    } catch (error) {
      if (error instanceof CloudError && error.kind === "gone") return [];
      throw error;
    }
  }

  async #json<T>(path: string, schema: v.GenericSchema<unknown, T>, signal: AbortSignal): Promise<T> {
    return parseAnswer(schema, await this.#get(path, signal), actionOf(path));
  }

  /** Plain text that happens to be JSON (an instance named `null`) comes back from {@linkcode call} parsed. */
  async #text(path: string, signal: AbortSignal): Promise<string> {
    const body = await this.#get(path, signal);
    return typeof body === "string" ? body.trim() : JSON.stringify(body);
  }

  async #get(path: string, signal: AbortSignal): Promise<unknown> {
    const action = actionOf(path);
    const url = `${this.#base}/computeMetadata/v1/${path}`;
    const transport = this.#transport;
    const answer = await call({ transport, action, url, headers: flavor, timeoutMs, direct: true, signal });
    if (answer.status !== 200) {
      const { status } = answer;
      throw new CloudError(kindOfStatus(status), `Cannot ${action}: the metadata server answered ${status}`, {
        status,
      });
    }
    // What lies between may answer 200 to anything; only Google's server sends the header back.
    if (answer.headers.get("metadata-flavor") !== "Google") {
      throw new CloudError(
        "malformed",
        `Cannot ${action}: the server at ${this.#base} is not a Google metadata server`,
      );
    }
    return answer.body;
  }
}

function actionOf(path: string): string {
  return `read ${path.replace(/\/?\?.*$/, "")} from the metadata server`;
}
