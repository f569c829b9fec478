/** The attributes that are read of a route and of its legs (`RTA_*`, linux/rtnetlink.h), and a cursor for each family. */

import { AttributeCursor, WantedAttributes } from "./attribute_cursor.ts";

export const RTA_DST = 1;
export const RTA_SRC = 2;
export const RTA_OIF = 4;
export const RTA_GATEWAY = 5;
export const RTA_PRIORITY = 6;
export const RTA_PREFSRC = 7;
export const RTA_METRICS = 8;
export const RTA_MULTIPATH = 9;
export const RTA_FLOW = 11;
/** `struct rta_cacheinfo`, whose word 2 is `rta_expires`. IPv6 routes have it. */
export const RTA_CACHEINFO = 12;
export const RTA_TABLE = 15;
export const RTA_VIA = 18;
/** Router preference, `ICMPV6_ROUTER_PREF_*` (RFC 4191): 0 medium, 1 high, 3 low. IPv6 routes have it. */
export const RTA_PREF = 20;
export const RTA_ENCAP_TYPE = 21;
export const RTA_ENCAP = 22;
export const RTA_NH_ID = 30;

/** What is read of a route, and of a leg, which has no device in its attributes. */
function wantedOf(addressBytes: number): { route: WantedAttributes; leg: WantedAttributes } {
  const leg = {
    RTA_GATEWAY: { type: RTA_GATEWAY, bytes: [addressBytes] },
    // struct rtvia: u16 family, then an address of that family
    RTA_VIA: { type: RTA_VIA, bytes: [2 + 4, 2 + 16] },
    RTA_FLOW: { type: RTA_FLOW, bytes: [4] },
    RTA_ENCAP_TYPE: { type: RTA_ENCAP_TYPE, bytes: [2] },
    RTA_ENCAP: { type: RTA_ENCAP, bytes: "any" },
  } as const;
  return {
    route: new WantedAttributes({
      RTA_DST: { type: RTA_DST, bytes: [addressBytes] },
      RTA_SRC: { type: RTA_SRC, bytes: [addressBytes] },
      RTA_OIF: { type: RTA_OIF, bytes: [4] },
      RTA_PRIORITY: { type: RTA_PRIORITY, bytes: [4] },
      RTA_PREFSRC: { type: RTA_PREFSRC, bytes: [addressBytes] },
      RTA_METRICS: { type: RTA_METRICS, bytes: "any" },
      RTA_MULTIPATH: { type: RTA_MULTIPATH, bytes: "any" },
      RTA_TABLE: { type: RTA_TABLE, bytes: [4] },
      RTA_NH_ID: { type: RTA_NH_ID, bytes: [4] },
      ...(addressBytes === 16
        ? {
          RTA_CACHEINFO: { type: RTA_CACHEINFO, bytes: "any" },
          RTA_PREF: { type: RTA_PREF, bytes: [1] },
        } as const
        : {}),
      ...leg,
    }),
    leg: new WantedAttributes(leg),
  };
}

const wanted4 = wantedOf(4);
const wanted6 = wantedOf(16);

/** The cursors of one family. */
export interface RouteCursors {
  readonly route: AttributeCursor;
  readonly leg: AttributeCursor;
}

/** Cursors for IPv4, whose addresses have 4 bytes, or IPv6 with 16. */
export function routeCursors(addressBytes: 4 | 16): RouteCursors {
  const wanted = addressBytes === 4 ? wanted4 : wanted6;
  return {
    route: new AttributeCursor("route", wanted.route),
    leg: new AttributeCursor("leg of a route", wanted.leg),
  };
}
