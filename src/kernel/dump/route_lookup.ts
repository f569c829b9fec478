/** Asks the kernel which route it takes for an address: one small message, whatever the size of the table. */

import { setImmediate } from "node:timers/promises";
import { nothingWaiting, overrun } from "../../../ffi/netlink_socket.ts";
import type { Family, Words } from "../../routes/prefix.ts";
import { messageBuffer } from "../wire/attribute_cursor.ts";
import { decodeStatus } from "../wire/netlink_error.ts";
import { MessageWalk, NLMSG_ERROR, RTM_NEWROUTE } from "../wire/netlink_message.ts";
import type { NetlinkPort, OpenPort } from "../wire/netlink_port.ts";
import { RouteDecoder } from "../wire/route_message.ts";
import { lookupRequest } from "../wire/route_request.ts";

/** Longest stretch of questions between two looks at the event loop, milliseconds. */
const sliceMs = 4;

/** The route that an address takes, or why it takes none (`errno`). */
export type LookupAnswer =
  | {
    readonly table: number;
    readonly words: Words;
    readonly length: number;
    /** 0 for none. */
    readonly nextHopId: number;
  }
  | { readonly errno: number };

/** Questions over a port of their own. */
export class RouteLookup implements Disposable {
  readonly #port: NetlinkPort;
  readonly #buffer = messageBuffer(64 * 1024);
  readonly #walk = new MessageWalk(this.#buffer);
  readonly #decoder = new RouteDecoder();
  #sequence = 0;
  #sliceEnd = 0;

  constructor(open: OpenPort) {
    this.#port = open({});
  }

  /**
   * Asks for one address, by the kernel's rules for packets of this host.
   *
   * @returns null if the answer is no route of a table.
   * @throws {SystemError} if the socket fails.
   */
  async ask(family: Family, words: Words): Promise<LookupAnswer | null> {
    if (performance.now() >= this.#sliceEnd) {
      await setImmediate();
      this.#sliceEnd = performance.now() + sliceMs;
    }
    this.#sequence++;
    this.#port.send(lookupRequest(family, words, this.#sequence));
    for (;;) {
      const length = this.#port.receive(this.#buffer.bytes);
      if (length === overrun) return null;
      // The kernel answers while it takes the question.
      if (length === nothingWaiting) return null;
      this.#walk.enter(this.#buffer, length);
      while (this.#walk.next()) if (this.#walk.sequence === this.#sequence) return this.#answer();
    }
  }

  #answer(): LookupAnswer | null {
    const walk = this.#walk, decoder = this.#decoder;
    if (walk.type === NLMSG_ERROR) {
      const error = decodeStatus("look up a route", walk);
      return error === null ? null : { errno: error.errno };
    }
    if (walk.type !== RTM_NEWROUTE || !decoder.decode(walk)) return null;
    const [first, second, third, fourth] = decoder.words;
    return {
      table: decoder.table,
      words: [first, second, third, fourth],
      length: decoder.length,
      nextHopId: decoder.body.words[3] ?? 0,
    };
  }

  [Symbol.dispose](): void {
    this.#port.close();
  }
}
