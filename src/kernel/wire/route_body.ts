/**
 * A route without its destination, as a run of 32-bit words: what the decoder writes and the table keeps.
 *
 * ```
 * word 0   tos | protocol << 8 | type << 16 | scope << 24
 * word 1   table
 * word 2   metric
 * word 3   next-hop object, 0 for none
 * word 4   number of legs
 * word 5   digest of what else tells an IPv4 route from others (RTA_PREFSRC, RTA_METRICS), 0 for nothing
 * then for each leg
 * word 0   flags | gateway's family (0, 4, 6) << 8 | weight << 16
 * word 1   interface index
 * word 2-5 gateway, most significant word first
 * word 6   encapsulation (`LWTUNNEL_ENCAP_*`), 0 for none
 * word 7   digest of what else tells the leg from others (RTA_ENCAP, RTA_FLOW), 0 for nothing
 * then for each address that few routes have
 * word 0   what it is (`preferredSourceTag`, `sourceTag`, `preferenceTag`) | prefix length << 8
 * word 1-4 address, most significant word first
 * ```
 */

/** Words before the first leg. */
export const bodyHeaderWords = 6;

/** Words of one leg. */
export const legWords = 8;

/** Words of one address behind the legs. */
export const extraWords = 5;

/** RTA_PREFSRC, kept of default routes: it tells which address is this VM's. */
export const preferredSourceTag = 1;
/** RTA_SRC: the route serves packets from this prefix only. */
export const sourceTag = 2;

/** RTA_PREF other than medium, in place of a prefix length; no address goes with it. */
export const preferenceTag = 3;

/** Leg flags that the program reads (`RTNH_F_*`, linux/rtnetlink.h). */
export const RTNH_F_DEAD = 1;
const RTNH_F_PERVASIVE = 2;
export const RTNH_F_ONLINK = 4;
export const RTNH_F_LINKDOWN = 16;
export const legFlagMask = RTNH_F_DEAD | RTNH_F_PERVASIVE | RTNH_F_ONLINK | RTNH_F_LINKDOWN;

/** A body being put together or read: the words, of which the first `length` count. */
export interface BodyWords {
  words: Int32Array<ArrayBuffer>;
  length: number;
}
