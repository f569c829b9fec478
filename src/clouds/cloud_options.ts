/** What the command line and environment say to a cloud. */

import type { OwnAddress } from "../routes/own_address.ts";
import type { Family } from "../routes/prefix.ts";

/** Settings that a cloud is opened with. A cloud reads those that concern it. */
export interface CloudOptions {
  /** `-owner`: whose routes are ours; letters, digits and dashes. */
  readonly owner: string;
  /** `-route-table`: existing tables to keep in step; empty: one table of its own. */
  readonly routeTables: readonly string[];
  /** The families to write: 4, or 4 and 6 with `-ipv6`. */
  readonly families: readonly Family[];
  /** `-no-associate`: fail rather than change which table the subnet uses. */
  readonly noAssociate: boolean;
  /** `-no-ecmp`: one next hop a route even where the cloud takes several. */
  readonly noEcmp: boolean;
  /** `-router`: OpenStack router id or name. */
  readonly router: string | null;
  /** `-os-cloud`: name of the entry in clouds.yaml. */
  readonly osCloud: string | null;
  /** `-priority`: priority of GCP routes, 0 to 65535, lower wins. */
  readonly priority: number;
  /** `-instance-tag`: GCP network tags that routes are limited to; empty: all instances. */
  readonly instanceTags: readonly string[];
  /** `-next-hop-ilb`: GCP forwarding rule that routes point at in place of this VM. */
  readonly nextHopIlb: string | null;
  /** `-local-file`, `-local-latency` (milliseconds) and `-local-faults` (0 to 1) of the embedded cloud. */
  readonly localFile: string;
  readonly localLatencyMs: number;
  readonly localFaults: number;
  /** `-azure-endpoint`, `-gcp-endpoint`, `-imds-endpoint`: base URLs in place of the public ones. */
  readonly azureEndpoint: string | null;
  readonly gcpEndpoint: string | null;
  readonly imdsEndpoint: string | null;
  /** `-self`, or what the kernel says: this VM's address of a family. Only the embedded cloud has no better source. */
  readonly ownAddress: (family: Family) => OwnAddress | null;
  /** Reads an environment variable that belongs to the cloud (`AWS_REGION`, `OS_AUTH_URL`, …). */
  readonly environment: (name: string) => string | undefined;
}
