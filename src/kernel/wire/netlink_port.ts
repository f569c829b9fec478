/** What the monitor needs of a netlink socket; `NetlinkSocket` is one, the tests have another. */

/** A socket that never blocks. See `ffi/netlink_socket.ts` for the meaning of each part. */
export interface NetlinkPort {
  /** Subscribes to a multicast group. */
  join(group: number): void;
  send(message: Uint8Array<ArrayBuffer>): void;
  /** Sends on another thread. */
  sendAside(message: Uint8Array<ArrayBuffer>): Promise<void>;
  /** @returns bytes of the datagram, over `buffer.length` if it was cut off; 0 nothing waiting; -1 overrun. */
  receive(buffer: Uint8Array<ArrayBuffer>): number;
  /** Waits until something can be received; false once the port is closed. */
  wait(): Promise<boolean>;
  close(): void;
}

/** Opens a port; a dump uses a fresh one, so that no answer to an earlier request can come to it. */
export type OpenPort = (options: { readonly receiveBuffer?: number }) => NetlinkPort;
