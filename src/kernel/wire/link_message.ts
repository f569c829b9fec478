/** Decodes RTM_NEWLINK and RTM_DELLINK (`struct ifinfomsg`, linux/rtnetlink.h), and asks for a dump of links. */

import { AttributeCursor, type MessageBuffer, WantedAttributes } from "./attribute_cursor.ts";
import { DecodeError } from "./decode_error.ts";
import type { Link } from "../kernel_table.ts";
import { AF_UNSPEC, dumpRequest, type MessageWalk, RTM_GETLINK } from "./netlink_message.ts";

/** `sizeof(struct ifinfomsg)`: u8 family, u8 pad, u16 type, i32 index, u32 flags, u32 change. */
const ifinfomsgBytes = 16;

const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
const IFF_LOWER_UP = 0x10000;

const IFLA_IFNAME = 3;
const IFLA_MASTER = 10;
const IFLA_EXT_MASK = 29;
/** Nested: the device's alternative names (Linux 5.5). */
const IFLA_PROP_LIST = 52;
const IFLA_ALT_IFNAME = 53;
/** Leaves the counters out of the answer (linux/rtnetlink.h). */
const RTEXT_FILTER_SKIP_STATS = 8;

const wanted = new WantedAttributes({
  IFLA_IFNAME: { type: IFLA_IFNAME, bytes: "any" },
  IFLA_MASTER: { type: IFLA_MASTER, bytes: [4] },
  IFLA_PROP_LIST: { type: IFLA_PROP_LIST, bytes: "any" },
});
const wantedProperties = new WantedAttributes({ IFLA_ALT_IFNAME: { type: IFLA_ALT_IFNAME, bytes: "any" } });

// One of each for all messages: on a node of many containers links come and go all the time.
const linkCursor = new AttributeCursor("link", wanted);
const propertyCursor = new AttributeCursor("link's property list", wantedProperties);

const noNames: readonly string[] = [];

/** A link with what only this part of the program looks at. */
export interface LinkState extends Link {
  /** Index of the device that it is a port of, 0 for none. One that becomes a port of a VRF loses its routes. */
  readonly master: number;
  /**
   * IFF_RUNNING alone, after which IPv6 flags legs as without carrier: a dormant device has none
   * (addrconf_link_ready in net/ipv6/addrconf.c).
   */
  readonly operational: boolean;
}

/**
 * Decodes the message that `walk` stands on.
 *
 * @returns null for a message of a family of its own: a bridge tells of its ports with the same types, and its
 * RTM_DELLINK means that the port has left the bridge, not that it is gone.
 * @throws {DecodeError} naming what is not as it must be.
 */
export function decodeLink({ buffer, start, end }: MessageWalk): LinkState | null {
  if (end - start < ifinfomsgBytes) {
    throw new DecodeError("link", `${end - start} bytes are too few for its header`);
  }
  if (buffer.bytes[start] !== AF_UNSPEC) return null;
  const index = buffer.words[(start >> 2) + 1] ?? 0;
  const flags = buffer.words[(start >> 2) + 2] ?? 0;
  const cursor = linkCursor;
  let name = "", altNames = noNames, master = 0;
  cursor.enter(buffer, start + ifinfomsgBytes, end);
  while (cursor.next()) {
    if (cursor.type === IFLA_IFNAME) name = cursor.text();
    else if (cursor.type === IFLA_MASTER) master = cursor.int32();
    else altNames = alternativeNames(buffer, cursor);
  }
  cursor.check();
  if (name === "") throw new DecodeError("link", "attribute IFLA_IFNAME is missing");
  const running = (flags & (IFF_RUNNING | IFF_LOWER_UP)) !== 0;
  const operational = (flags & IFF_RUNNING) !== 0;
  return { index, name, altNames, up: (flags & IFF_UP) !== 0, running, master, operational };
}

/** The names in the attribute IFLA_PROP_LIST that `list` stands on. */
function alternativeNames(buffer: MessageBuffer, list: AttributeCursor): readonly string[] {
  const cursor = propertyCursor;
  const names: string[] = [];
  cursor.enter(buffer, list.start, list.start + list.length);
  while (cursor.next()) names.push(cursor.text());
  cursor.check();
  return names;
}

/**
 * Whether two states of a device are the same to its routes, its names aside. With each event of a dormant device IPv6 flags again
 * the legs that leave by it (rt6_sync_down_dev in net/ipv6/route.c).
 */
export function sameState(left: LinkState, right: LinkState): boolean {
  if (right.running && !right.operational) return false;
  return left.up === right.up && left.running === right.running && left.master === right.master &&
    left.operational === right.operational;
}

/** Whether two states of a device's names are the same. */
export function sameNames(left: Link, right: Link): boolean {
  return left.name === right.name && left.altNames.length === right.altNames.length &&
    left.altNames.every((name, index) => name === right.altNames[index]);
}

/** A request for all links, without their counters. */
export function linkDumpRequest(sequence: number): Uint8Array<ArrayBuffer> {
  const attributes = [{ type: IFLA_EXT_MASK, value: RTEXT_FILTER_SKIP_STATS }];
  return dumpRequest(RTM_GETLINK, sequence, new Uint8Array(ifinfomsgBytes), attributes);
}
