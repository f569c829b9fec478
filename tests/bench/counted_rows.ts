/** The clouds whose requests are counted: those with servers to ask. The embedded one has none. */

import type { ContractRow } from "../contract/rig.ts";
import { aws } from "../contract/rigs/aws.ts";
import { azure } from "../contract/rigs/azure.ts";
import { gcp } from "../contract/rigs/gcp.ts";
import { openstack } from "../contract/rigs/openstack.ts";

export const countedRows: readonly ContractRow[] = [azure, aws, gcp, openstack];
