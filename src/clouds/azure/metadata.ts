/**
 * What the instance metadata service says about this VM.
 *
 * `GET /metadata/instance` with the header `Metadata: true` (learn.microsoft.com, "Azure Instance Metadata Service");
 * it knows the VM and its addresses, but neither ids of interfaces and subnets nor the virtual network.
 */

import * as v from "valibot";
import { CloudError } from "../cloud_error.ts";
import { call, kindOfStatus, retryAfterMs } from "../http.ts";
import { parseAnswer } from "../kit/answer.ts";
import type { Transport } from "../kit/transport.ts";

const defaultEndpoint = "http://169.254.169.254";
const apiVersion = "2021-02-01";

/** An address that is odd is passed over where it is used: it must not keep the others from being read. */
const addressesSchema = v.optional(
  v.object({ ipAddress: v.array(v.object({ privateIpAddress: v.string() })) }),
  { ipAddress: [] },
);

const metadataSchema = v.object({
  compute: v.object({
    azEnvironment: v.string(),
    location: v.string(),
    name: v.string(),
    resourceGroupName: v.string(),
    resourceId: v.string(),
    subscriptionId: v.string(),
  }),
  network: v.object({
    interface: v.array(v.object({
      macAddress: v.string(),
      ipv4: addressesSchema,
      ipv6: addressesSchema,
    })),
  }),
});

/** The metadata of this VM as the service words it. */
export type InstanceMetadata = v.InferOutput<typeof metadataSchema>;

/**
 * Asks the metadata service who this VM is.
 *
 * @param endpoint base URL in place of http://169.254.169.254, or null.
 * @throws {CloudError} `unavailable` if the service does not answer, `malformed` if its answer is not as documented.
 */
export async function readMetadata(
  transport: Transport,
  endpoint: string | null,
  signal: AbortSignal,
): Promise<InstanceMetadata> {
  const action = "read the instance metadata";
  const url = new URL("/metadata/instance", endpoint ?? defaultEndpoint);
  url.searchParams.set("api-version", apiVersion);
  url.searchParams.set("format", "json");
  const headers = { metadata: "true" };
  const answer = await call({ transport, action, url, headers, timeoutMs: 5_000, direct: true, signal });
  if (answer.status !== 200) {
    throw new CloudError(
      metadataErrorKind(answer.status),
      `Cannot ${action}: ${url.origin} answered ${answer.status}`,
      { status: answer.status, retryAfterMs: retryAfterMs(answer.headers, Date.now()) },
    );
  }
  return parseAnswer(metadataSchema, answer.body, action);
}

/** The service answers 404 and 410 while it is being updated ("retry after some time"). */
function metadataErrorKind(status: number): "unavailable" | "throttled" | "invalid" {
  if (status === 404 || status === 410) return "unavailable";
  const kind = kindOfStatus(status);
  return kind === "throttled" || kind === "unavailable" ? kind : "invalid";
}
