/** What speaks to one region of AWS, and what is remembered of it. */

import type { Clock } from "../../async/clock.ts";
import type { CloudOptions } from "../cloud_options.ts";
import type { Transport } from "../kit/transport.ts";
import { Ec2Api } from "./api.ts";
import { openCredentials, shareCredentials } from "./credentials.ts";
import type { InstanceMetadata } from "./metadata.ts";
import { InterfaceLookup } from "./neighbours.ts";
import { OwnTable } from "./own_table.ts";
import { PrefixListSizes } from "./prefix_list_sizes.ts";
import { askServiceQuotas, RouteLimit } from "./quota.ts";
import type { AwsEndpoint } from "./sdk_client.ts";
import { SubnetUse } from "./subnet_use.ts";

/** Deadline of one call of the API, in milliseconds. */
const callTimeoutMs = 10_000;

/** See the head of this file; it outlives a connection. */
export interface Region {
  readonly name: string;
  readonly api: Ec2Api;
  readonly own: OwnTable;
  readonly interfaces: InterfaceLookup;
  readonly subnetUse: SubnetUse;
  readonly lists: PrefixListSizes;
  readonly limit: RouteLimit;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** Makes what speaks to a region; makes no call. The credentials are the same for all its services. */
export function openRegion(
  name: string,
  options: CloudOptions,
  { transport, metadata, clock }: {
    readonly transport: Transport;
    readonly metadata: InstanceMetadata;
    readonly clock: Clock;
  },
): Region {
  const { environment } = options;
  const credentials = shareCredentials(openCredentials({ environment, transport, metadata, region: name }));
  const endpointOf = (service: string): AwsEndpoint => {
    const endpoint = variableOf(options, `AWS_ENDPOINT_URL_${service}`) ??
      variableOf(options, "AWS_ENDPOINT_URL");
    return { transport, region: name, credentials, endpoint, timeoutMs: callTimeoutMs };
  };
  const now = (): number => clock.now();
  const api = new Ec2Api(endpointOf("EC2"));
  return {
    name,
    api,
    own: new OwnTable(api, options, clock),
    interfaces: new InterfaceLookup(api, now),
    subnetUse: new SubnetUse(api, now),
    lists: new PrefixListSizes(api, now),
    limit: new RouteLimit(askServiceQuotas(endpointOf("SERVICE_QUOTAS")), now),
    now,
  };
}

/** A variable of the environment; an empty one counts as none. */
export function variableOf(
  { environment }: Pick<CloudOptions, "environment">,
  name: string,
): string | undefined {
  return environment(name) || undefined;
}
