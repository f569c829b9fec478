/** The IPv6 routes of the kernel as `/proc/net/ipv6_route` lists them: each leg for itself, and those that dumps leave out. */

import { type Prefix, prefixOf } from "../../../../src/routes/prefix.ts";

/** `RTF_REJECT` and `RTF_EXPIRES` (linux/route.h, linux/ipv6_route.h). */
const reject = 0x0200, expires = 0x0040_0000;

/** A line. The table is not told. */
export interface KernelEntry {
  /** As hexadecimal text; zeros for none. */
  readonly gateway: string;
  /** Drops packets. */
  readonly rejects: boolean;
  /** Has a lifetime of its own. */
  readonly expires: boolean;
}

/** The entries of a prefix and metric. */
export function kernelEntries(prefix: Prefix, metric: number): readonly KernelEntry[] {
  const wanted = hex(prefix);
  return Deno.readTextFileSync("/proc/net/ipv6_route").split("\n").flatMap((line) => {
    const [destination, length, , , gateway = "", metricText = "", , , flagText = "", device] = line.split(
      /\s+/,
    );
    if (destination !== wanted || Number.parseInt(length ?? "", 16) !== prefix.length) return [];
    if (Number.parseInt(metricText, 16) !== metric) return [];
    const flags = Number.parseInt(flagText, 16);
    // A blackhole made of a next-hop object has no flag, but the loopback device.
    const rejects = (flags & reject) !== 0 || device === "lo";
    return [{ gateway, rejects, expires: (flags & expires) !== 0 }];
  });
}

/** An address as the file writes it. */
export function hex({ words }: Pick<Prefix, "words">): string {
  return words.map((word) => word.toString(16).padStart(8, "0")).join("");
}

/** What stands for no gateway. */
export const noGateway = hex(prefixOf(6, [0, 0, 0, 0], 0));
