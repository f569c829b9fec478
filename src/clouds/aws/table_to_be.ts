/** Our table before it is made, for what is planned with it. */

import { isPropagated } from "./schemas.ts";
import type { Ec2RouteTable } from "./schemas.ts";
import { isOfLattice } from "./carried_entries.ts";

/** What stands for its id. */
export const newTableName = "(new)";

/**
 * A table as EC2 would make it in the VPC of another one.
 *
 * @param copied whether what the other table has is in it as well.
 */
export function tableToBe(former: Ec2RouteTable, copied: boolean): Ec2RouteTable {
  const stays = former.Routes.filter((route) =>
    route.GatewayId === "local" || (copied && !isPropagated(route) && !isOfLattice(route))
  );
  return {
    RouteTableId: newTableName,
    VpcId: former.VpcId,
    Routes: stays,
    Associations: [],
    PropagatingVgws: [],
    Tags: [],
  };
}
