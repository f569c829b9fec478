/** What Nova's metadata service says of this VM (`/openstack/latest/`, Nova's "Metadata" documentation). */

import * as v from "valibot";
import { CloudError } from "../cloud_error.ts";
import { call, kindOfStatus } from "../http.ts";

const metaSchema = v.object({
  uuid: v.string(),
  name: v.optional(v.string()),
});

/** `vif_id` is the Neutron port; Nova leaves it out for links that Neutron does not know. */
const networkSchema = v.object({
  links: v.array(v.object({ vif_id: v.optional(v.nullable(v.string())) })),
});

/** This VM as the metadata service describes it. */
export interface Metadata {
  /** Name and id of the server. */
  readonly instance: string;
  /** Ids of its Neutron ports. */
  readonly portIds: readonly string[];
}

/** The metadata service answers from the hypervisor; one that takes longer is not there. */
const timeoutMs = 5_000;

/**
 * Reads the metadata.
 *
 * @param endpoint base URL, such as `http://169.254.169.254`.
 * @throws {CloudError} `unavailable` if the service is not there, `invalid` if it names no port.
 */
export async function readMetadata(endpoint: string, signal: AbortSignal): Promise<Metadata> {
  const base = `${endpoint.replace(/\/+$/, "")}/openstack/latest`;
  const meta = await readDocument(`${base}/meta_data.json`, metaSchema, signal);
  const network = await readDocument(`${base}/network_data.json`, networkSchema, signal);
  const portIds = network.links.flatMap(({ vif_id: id }) => id === undefined || id === null ? [] : [id]);
  if (portIds.length === 0) {
    throw new CloudError(
      "invalid",
      `Cannot find out which port this VM has: ${base}/network_data.json names none`,
    );
  }
  return { instance: meta.name === undefined ? meta.uuid : `${meta.name} (${meta.uuid})`, portIds };
}

async function readDocument<Schema extends v.GenericSchema>(
  url: string,
  schema: Schema,
  signal: AbortSignal,
): Promise<v.InferOutput<Schema>> {
  const answer = await call({ action: "ask the metadata service who this VM is", url, timeoutMs, signal });
  if (answer.status !== 200) {
    throw new CloudError(kindOfStatus(answer.status), `Cannot read ${url}: it answers ${answer.status}`, {
      status: answer.status,
    });
  }
  const result = v.safeParse(schema, answer.body);
  if (result.success) return result.output;
  const where = result.issues.map((issue) => v.getDotPath(issue) ?? "answer").join(", ");
  throw new CloudError("invalid", `Cannot understand ${url}: unexpected at ${where}`);
}
