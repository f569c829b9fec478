/** How a cloud whose routes name addresses points at a neighbour. */

import type { Neighbour } from "../cloud.ts";

/**
 * The gateways' own addresses: such a cloud's fabric looks at the destination of a packet alone, so this VM would get what it sends to
 * a neighbour back for ever. Nobody need be asked who has them.
 *
 * @returns one entry a neighbour; null for a gateway of another family than the route, which no route can name.
 */
export function gatewayAddresses(neighbours: readonly Neighbour[]): readonly (string | null)[] {
  return neighbours.map(({ gateway, family }) => gateway.family === family ? gateway.text : null);
}
