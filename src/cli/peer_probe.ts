/** `-peer-probe tcp:PORT|icmp`: how the other routers of a group are asked whether they are there. */

import { getLogger } from "@logtape/logtape";
import { readKernelFile } from "../../ffi/kernel_file.ts";
import type { Libc } from "../../ffi/libc.ts";
import { ping, tryPingSocket } from "../../ffi/ping_socket.ts";
import type { IpAddress } from "../routes/prefix.ts";
import type { PeerProbe } from "../sync/peer_probes.ts";

const log = getLogger(["cloudroutesync", "group"]);

/** How long an answer may take, in milliseconds. */
const answerWithinMs = 1_000;

/** `-peer-probe`, read. */
export type PeerProbeSettings = { readonly by: "tcp"; readonly port: number } | { readonly by: "icmp" };

/** Reads `tcp:PORT` or `icmp`. @throws {SyntaxError} naming the text. */
export function parsePeerProbe(text: string): PeerProbeSettings {
  if (text === "icmp") return { by: "icmp" };
  const port = Number(/^tcp:([0-9]{1,5})$/.exec(text)?.[1] ?? NaN);
  if (port >= 1 && port <= 65_535) return { by: "tcp", port };
  throw new SyntaxError(`"${text}" is neither tcp:PORT, with a port from 1 to 65535, nor icmp`);
}

/** The probe; null where none was asked for, or where this process may not open a ping socket, which is logged. */
export function openPeerProbe(settings: PeerProbeSettings | null, libc: Libc): PeerProbe | null {
  if (settings === null) return null;
  return settings.by === "tcp" ? tcpProbe(settings.port) : icmpProbe(libc);
}

/**
 * A TCP connection, closed as soon as it stands. A refusal is an answer too: the machine is there, whatever runs on it. That a daemon is
 * dead the routing protocol tells sooner, and no cloud can confirm it.
 */
function tcpProbe(port: number): PeerProbe {
  return {
    name: `tcp:${port}`,
    ask: async ({ text: hostname }, stop) => {
      const signal = AbortSignal.any([stop, AbortSignal.timeout(answerWithinMs)]);
      try {
        (await Deno.connect({ hostname, port, signal })).close();
        return true;
      } catch (error) {
        stop.throwIfAborted();
        if (error instanceof Deno.errors.NotCapable) throw error;
        return error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.ConnectionReset;
      }
    },
  };
}

/** An ICMP echo. Ping sockets need no capability, but a group that the kernel allows them. */
function icmpProbe(libc: Libc): PeerProbe | null {
  try {
    tryPingSocket(libc, 4);
  } catch (error) {
    const range = readKernelFile(libc, "/proc/sys/net/ipv4/ping_group_range")?.trim().replace(/\s+/, " ");
    log.warn(
      "Cannot probe peers by icmp: {message} (net.ipv4.ping_group_range is {range}); allow this program's group there, or use " +
        "-peer-probe tcp:PORT; peers are not probed",
      {
        event: "probe-impossible",
        message: error instanceof Error ? error.message : String(error),
        range: range ?? "unknown",
      },
    );
    return null;
  }
  return { name: "icmp", ask: (address) => ping(libc, targetOf(address), answerWithinMs) };
}

/** An address in network order. */
function targetOf({ family, words }: IpAddress): Parameters<typeof ping>[1] {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  const view = new DataView(bytes.buffer);
  for (const [index, word] of (family === 4 ? words.slice(0, 1) : words).entries()) {
    view.setUint32(4 * index, word);
  }
  return { family, bytes };
}
