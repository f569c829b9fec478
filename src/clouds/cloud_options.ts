/** What the command line and environment say to every cloud; its own flags are in its folder's `flags.ts`. */

import type { OwnAddress } from "../routes/own_address.ts";
import type { Family } from "../routes/prefix.ts";
import type { Transport } from "./kit/transport.ts";

/** Settings that every cloud is opened with. */
export interface CloudOptions {
  /** `-owner`: whose routes are ours; letters, digits and dashes. */
  readonly owner: string;
  /** Whether several instances may have this owner; false for `NAME@node`, which is one node's alone. */
  readonly sharedOwner: boolean;
  /** `-route-table`: existing tables to keep in step, by id, name or `tag:KEY=VALUE`; empty: one table of its own. */
  readonly routeTables: readonly string[];
  /** The families to write: 4, or 4 and 6 with `-ipv6`. */
  readonly families: readonly Family[];
  /** `-no-associate`: fail rather than change which table the subnet uses. */
  readonly noAssociate: boolean;
  /** `-no-ecmp`: one next hop a route even where the cloud takes several. */
  readonly noEcmp: boolean;
  /** `-self`: addresses of this VM, one a family at most; they pick the interface that routes to this VM point at. */
  readonly self: readonly OwnAddress[];
  /** `-self`, or what the kernel says: this VM's address of a family. Only the embedded cloud has no better source. */
  readonly ownAddress: (family: Family) => OwnAddress | null;
  /** The way to the network for all calls. */
  readonly transport: Transport;
  /** Reads an environment variable that belongs to the cloud (`AWS_REGION`, `OS_AUTH_URL`, …). */
  readonly environment: (name: string) => string | undefined;
}
