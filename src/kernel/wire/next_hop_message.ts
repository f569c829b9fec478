/** Decodes RTM_NEWNEXTHOP and RTM_DELNEXTHOP (`struct nhmsg`, linux/nexthop.h), and asks for a dump of them. */

import type { IpAddress } from "../../routes/prefix.ts";
import { addressAt } from "./address_message.ts";
import { AttributeCursor, WantedAttributes } from "./attribute_cursor.ts";
import { DecodeError } from "./decode_error.ts";
import { AF_INET6, dumpRequest, type MessageWalk, RTM_GETNEXTHOP } from "./netlink_message.ts";
import { legFlagMask } from "./route_body.ts";

/** `sizeof(struct nhmsg)`: u8 family, u8 scope, u8 protocol, u8 reserved, u32 flags. */
const nhmsgBytes = 8;

/** `sizeof(struct nexthop_grp)`: u32 id, u8 weight minus one, u8 its upper byte (Linux 6.12), u16 reserved. */
const groupEntryBytes = 8;

const NHA_ID = 1;
const NHA_GROUP = 2;
const NHA_BLACKHOLE = 4;
const NHA_OIF = 5;
const NHA_GATEWAY = 6;
const NHA_ENCAP_TYPE = 7;

const wanted = new WantedAttributes({
  NHA_ID: { type: NHA_ID, bytes: [4] },
  NHA_GROUP: { type: NHA_GROUP, bytes: "any" },
  NHA_BLACKHOLE: { type: NHA_BLACKHOLE, bytes: [0] },
  NHA_OIF: { type: NHA_OIF, bytes: [4] },
  NHA_GATEWAY: { type: NHA_GATEWAY, bytes: [4, 16] },
  NHA_ENCAP_TYPE: { type: NHA_ENCAP_TYPE, bytes: [2] },
});

/** One member of a group. */
export interface GroupMember {
  readonly id: number;
  /** 1 to 65536. */
  readonly weight: number;
}

/** A next-hop object (`ip nexthop`). */
export interface NextHop {
  readonly id: number;
  /** `RTNH_F_*`, those that {@linkcode legFlagMask} keeps. */
  readonly flags: number;
  /** 0 where none is named. */
  readonly interfaceIndex: number;
  readonly gateway: IpAddress | null;
  readonly blackhole: boolean;
  /** `LWTUNNEL_ENCAP_*`, 0 for none. */
  readonly encapsulation: number;
  /** Empty unless it is a group. */
  readonly members: readonly GroupMember[];
}

/**
 * Decodes the message that `walk` stands on.
 *
 * @throws {DecodeError} naming what is not as it must be.
 */
export function decodeNextHop({ buffer, start, end }: MessageWalk): NextHop {
  if (end - start < nhmsgBytes) {
    throw new DecodeError("next-hop object", `${end - start} bytes are too few for its header`);
  }
  const family = buffer.bytes[start] === AF_INET6 ? 6 : 4;
  const flags = (buffer.words[(start >> 2) + 1] ?? 0) & legFlagMask;
  const cursor = new AttributeCursor("next-hop object", wanted);
  let id = 0, interfaceIndex = 0, encapsulation = 0, blackhole = false;
  let gateway: IpAddress | null = null;
  let members: readonly GroupMember[] = [];
  cursor.enter(buffer, start + nhmsgBytes, end);
  while (cursor.next()) {
    switch (cursor.type) {
      case NHA_ID:
        id = cursor.int32() >>> 0;
        break;
      case NHA_GROUP:
        members = readGroup(cursor);
        break;
      case NHA_BLACKHOLE:
        blackhole = true;
        break;
      case NHA_ENCAP_TYPE:
        encapsulation = cursor.int32() & 0xffff;
        break;
      case NHA_OIF:
        interfaceIndex = cursor.int32();
        break;
      case NHA_GATEWAY:
        if (cursor.length === (family === 4 ? 4 : 16)) {
          gateway = addressAt(family, buffer.bytes, cursor.start);
        } else cursor.fail(`attribute NHA_GATEWAY is ${cursor.length} bytes long for IPv${family}`);
        break;
    }
  }
  cursor.check();
  if (id === 0) throw new DecodeError("next-hop object", "attribute NHA_ID is missing");
  return { id, flags, interfaceIndex, gateway, blackhole, encapsulation, members };
}

function readGroup(cursor: AttributeCursor): GroupMember[] {
  const members: GroupMember[] = [];
  if (cursor.length % groupEntryBytes !== 0) {
    cursor.fail(`attribute NHA_GROUP is ${cursor.length} bytes long, no multiple of ${groupEntryBytes}`);
  }
  for (let index = 0; index * 4 + groupEntryBytes <= cursor.length; index += 2) {
    members.push({ id: cursor.word(index) >>> 0, weight: (cursor.word(index + 1) & 0xffff) + 1 });
  }
  return members;
}

/** Whether two states of an object are the same to a route that uses it. */
export function sameNextHop(left: NextHop, right: NextHop): boolean {
  return left.flags === right.flags && left.interfaceIndex === right.interfaceIndex &&
    left.gateway?.text === right.gateway?.text && left.blackhole === right.blackhole &&
    left.encapsulation === right.encapsulation &&
    left.members.length === right.members.length &&
    left.members.every((member, index) =>
      member.id === right.members[index]?.id && member.weight === right.members[index]?.weight
    );
}

/** A request for all next-hop objects; kernels before 5.3 answer EOPNOTSUPP. */
export function nextHopDumpRequest(sequence: number): Uint8Array<ArrayBuffer> {
  return dumpRequest(RTM_GETNEXTHOP, sequence, new Uint8Array(nhmsgBytes));
}
