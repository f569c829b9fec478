/** Logs which devices of `-interface` do not exist: each once, and again only after it existed. */

import { getLogger } from "@logtape/logtape";
import type { KernelTable } from "../kernel/kernel_table.ts";
import { absentDevices } from "../routes/devices.ts";
import type { Policy } from "../routes/policy.ts";

const log = getLogger(["cloudroutesync", "sync"]);

/** See the head of this file. */
export class AbsentDevices {
  /** Those that did not exist when last looked. */
  #absent: ReadonlySet<string> = new Set();

  /** Looks at the kernel's devices. */
  look(kernel: Pick<KernelTable, "links">, { interfaces }: Pick<Policy, "interfaces">): void {
    const absent = new Set(absentDevices(kernel.links(), interfaces));
    for (const device of absent.difference(this.#absent)) {
      log.warn("Device {device} of -interface does not exist: no route out of it counts until it does", {
        event: "device-absent",
        device,
      });
    }
    this.#absent = absent;
  }
}
