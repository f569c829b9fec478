/** Lets a walk change the kernel's routes at a chosen moment of a dump: after so many datagrams. */

import type { NetlinkPort } from "../../../../src/kernel/wire/netlink_port.ts";

/** The kernel puts no more into a datagram than one has asked for; the more datagrams, the more moments (netlink_dump in net/netlink/af_netlink.c). */
const datagramBytes = 4096;

/** What is to happen when, counted over all dump ports since {@linkcode Injections.arm}. */
export class Injections {
  #received = 0;
  #waiting: { readonly at: number; readonly run: () => void }[] = [];

  /** Datagrams received by dumps since the last call of {@linkcode arm}. */
  get received(): number {
    return this.#received;
  }

  /** Whether something has not happened yet. */
  get pending(): boolean {
    return this.#waiting.length > 0;
  }

  /** Begins to count anew. @param actions in the order of their moments. */
  arm(actions: readonly { readonly at: number; readonly run: () => void }[]): void {
    this.#received = 0;
    this.#waiting = [...actions];
  }

  /** Lets all that waits happen now. */
  flush(): void {
    for (const { run } of this.#waiting.splice(0)) run();
  }

  /** A dump's port that counts. */
  wrap(port: NetlinkPort): NetlinkPort {
    return {
      join: (group) => port.join(group),
      send: (message) => port.send(message),
      sendAside: (message) => port.sendAside(message),
      receive: (buffer) => {
        while (this.#waiting[0] !== undefined && this.#waiting[0].at <= this.#received) {
          this.#waiting.shift()?.run();
        }
        this.#received++;
        const length = port.receive(buffer.subarray(0, datagramBytes));
        if (length > datagramBytes) throw new Error(`The kernel made a datagram of ${length} bytes`);
        return length;
      },
      wait: () => port.wait(),
      close: () => port.close(),
    };
  }
}
