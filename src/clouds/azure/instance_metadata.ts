/**
 * What the instance metadata service says about this VM.
 *
 * `GET /metadata/instance` with the header `Metadata: true` (learn.microsoft.com, "Azure Instance Metadata Service");
 * it knows the VM and its addresses, but neither ids of interfaces and subnets nor the virtual network.
 */

import * as v from "valibot";
import { CloudError } from "../cloud_error.ts";
import { call, kindOfStatus, retryAfterMs } from "../http.ts";
import { addressSchema } from "./arm_schema.ts";

const defaultEndpoint = "http://169.254.169.254";
const apiVersion = "2021-02-01";

const ipv4Schema = v.object({
  ipAddress: v.array(v.object({ privateIpAddress: addressSchema })),
});

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
      ipv4: v.optional(ipv4Schema, { ipAddress: [] }),
      ipv6: v.optional(v.object({ ipAddress: v.array(v.object({ privateIpAddress: addressSchema })) }), {
        ipAddress: [],
      }),
    })),
  }),
});

/** The metadata of this VM as the service words it. */
export type InstanceMetadata = v.InferOutput<typeof metadataSchema>;

/**
 * Asks the metadata service who this VM is.
 *
 * @param endpoint base URL in place of http://169.254.169.254, or null.
 * @throws {CloudError} `unavailable` if the service does not answer, `invalid` if its answer makes no sense.
 */
export async function readMetadata(endpoint: string | null, signal: AbortSignal): Promise<InstanceMetadata> {
  const action = "read the instance metadata";
  const url = new URL("/metadata/instance", endpoint ?? defaultEndpoint);
  url.searchParams.set("api-version", apiVersion);
  url.searchParams.set("format", "json");
  const answer = await call({ action, url, headers: { metadata: "true" }, timeoutMs: 5_000, signal });
  if (answer.status !== 200) {
    throw new CloudError(
      metadataErrorKind(answer.status),
      `Cannot ${action}: ${url.origin} answered ${answer.status}`,
      { status: answer.status, retryAfterMs: retryAfterMs(answer.headers, Date.now()) },
    );
  }
  const parsed = v.safeParse(metadataSchema, answer.body);
  if (parsed.success) return parsed.output;
  throw new CloudError(
    "invalid",
    `Cannot ${action}: ${url.origin} does not answer as Azure does: ${v.summarize(parsed.issues)}`,
  );
}

/** The service answers 404 and 410 while it is being updated ("retry after some time"). */
function metadataErrorKind(status: number): "unavailable" | "throttled" | "invalid" {
  if (status === 404 || status === 410) return "unavailable";
  const kind = kindOfStatus(status);
  return kind === "throttled" || kind === "unavailable" ? kind : "invalid";
}
