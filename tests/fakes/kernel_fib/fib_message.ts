/** What the model of the kernel's routing tables holds of a route, and the messages that the kernel writes of it. */

import { attribute, concat, message, u32 } from "../netlink_messages.ts";

/** One next hop (`struct fib_nh_common`). */
export interface FibLeg {
  /** Last octet of its gateway; 0 for none. */
  readonly host: number;
  readonly device: number;
  readonly weight: number;
  /** RTA_FLOW, 0 for none; IPv4 only. */
  readonly realm: number;
  /** `id` of a tunnel of type "ip", 0 for none. */
  readonly tunnel: number;
  readonly onLink: boolean;
}

/** A route; in IPv6 each leg of a set is one. */
export interface FibRoute {
  readonly type: number;
  readonly protocol: number;
  readonly metric: number;
  readonly tos: number;
  /** Last octet of the preferred source, 0 for none. */
  readonly source: number;
  /** 0 for none. */
  readonly mtu: number;
  /** Next-hop object, 0 for none. */
  readonly object: number;
  readonly legs: readonly FibLeg[];
  /** What the kernel compares and no message carries: the scope of an IPv4 gateway, flags of the request. */
  readonly unseen: number;
  /** `rta_expires`, IPv6 only: 0 for a route without a lifetime, negative once it has ended. */
  readonly expires: number;
}

/** Something that the kernel tells its listeners. */
export interface FibEvent {
  readonly deleted: boolean;
  /** `nlmsg_flags`. */
  readonly flags: number;
  readonly route: FibRoute;
}

const RTM_NEWROUTE = 24, RTM_DELROUTE = 25;
const RTNH_F_ONLINK = 4;
const unicast = 1;

/** The message of a route to `10.1.0.0/16` or `2001:db8:1::/48` of table main; for a dump without `event`. */
export function routeMessage(
  family: 4 | 6,
  route: FibRoute,
  event: Pick<FibEvent, "deleted" | "flags"> = { deleted: false, flags: 0 },
): Uint8Array<ArrayBuffer> {
  const { type, protocol, metric, tos, source, mtu, object, legs, expires } = route;
  const [only] = legs;
  const flags = legs.length === 1 && only?.onLink ? RTNH_F_ONLINK : 0;
  const isFour = family === 4;
  const header = [isFour ? 2 : 10, isFour ? 16 : 48, 0, tos, 254, protocol, 0, type, flags, 0, 0, 0];
  const payload = concat(
    header,
    attribute(15, u32(254)),
    attribute(1, isFour ? [10, 1, 0, 0] : address(6, 0, 1)),
    metric === 0 ? [] : attribute(6, u32(metric)),
    mtu === 0 ? [] : attribute(8, attribute(2, u32(mtu))),
    source === 0 ? [] : attribute(7, address(family, source)),
    object === 0 ? [] : attribute(30, u32(object)),
    expires === 0 ? [] : attribute(12, [...u32(0), ...u32(0), ...u32(expires), ...new Array(20).fill(0)]),
    type !== unicast ? [] : legs.length > 1 ? multipath(family, legs) : only === undefined ? [] : concat(
      legAttributes(family, only),
      attribute(4, u32(only.device)),
    ),
  );
  return message(event.deleted ? RTM_DELROUTE : RTM_NEWROUTE, payload, { flags: event.flags });
}

function multipath(family: 4 | 6, legs: readonly FibLeg[]): Uint8Array<ArrayBuffer> {
  return attribute(
    9,
    concat(...legs.map((leg) => {
      const attributes = legAttributes(family, leg);
      const length = 8 + attributes.length;
      return concat(
        [length & 255, length >> 8, leg.onLink ? RTNH_F_ONLINK : 0, leg.weight - 1],
        u32(leg.device),
        attributes,
      );
    })),
  );
}

function legAttributes(family: 4 | 6, { host, realm, tunnel }: FibLeg): Uint8Array<ArrayBuffer> {
  return concat(
    host === 0 ? [] : attribute(5, address(family, host)),
    realm === 0 ? [] : attribute(11, u32(realm)),
    tunnel === 0
      ? []
      : concat(attribute(22, attribute(1, [0, 0, 0, 0, 0, 0, 0, tunnel])), attribute(21, [2, 0])),
  );
}

function address(family: 4 | 6, host: number, subnet = 0): number[] {
  return family === 4
    ? [10, 0, 0, host]
    : [0x20, 0x01, 0x0d, 0xb8, 0, subnet, 0, 0, 0, 0, 0, 0, 0, 0, 0, host];
}
