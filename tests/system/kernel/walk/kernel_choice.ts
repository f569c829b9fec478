/** Whether the route that wins a prefix is the one that the kernel takes, as `ip route get fibmatch` says. */

import type { NetlinkPort } from "../../../../src/kernel/wire/netlink_port.ts";
import type { KernelRoute, KernelTable } from "../../../../src/kernel/kernel_table.ts";
import { KernelState } from "../../../../src/kernel/table/kernel_state.ts";
import { routeOf } from "../../../../src/kernel/table/route_view.ts";
import { messageBuffer } from "../../../../src/kernel/wire/attribute_cursor.ts";
import { MessageWalk, RTM_NEWROUTE } from "../../../../src/kernel/wire/netlink_message.ts";
import { RouteDecoder } from "../../../../src/kernel/wire/route_message.ts";
import { lookupRequest } from "../../../../src/kernel/wire/route_request.ts";
import { type Family, parsePrefix, prefixOf, type Words } from "../../../../src/routes/prefix.ts";
import { hex, kernelEntries, noGateway } from "./kernel_entries.ts";
import { selectWinner, unicastType } from "../../../../src/routes/winner.ts";

const mainTable = 254;

/** An address inside each prefix of walks, and one that only a default route has. */
const destinations: readonly (readonly [address: string, prefixes: readonly string[]])[] = [
  ["20.0.1.1/32", ["20.0.1.0/24", "0.0.0.0/0"]],
  ["20.0.2.1/32", ["20.0.2.0/24", "0.0.0.0/0"]],
  ["20.0.3.1/32", ["0.0.0.0/0"]],
  ["2001:db8:a::1/128", ["2001:db8:a::/48", "::/0"]],
  ["2001:db8:b::1/128", ["2001:db8:b::/48", "::/0"]],
  ["2001:db8:c::1/128", ["::/0"]],
];

/** Asks the kernel over a port of its own. */
export class KernelChoice {
  readonly #port: NetlinkPort;
  readonly #buffer = messageBuffer(64 * 1024);
  readonly #walk = new MessageWalk(this.#buffer);
  readonly #decoder = new RouteDecoder();
  #sequence = 0;

  constructor(port: NetlinkPort) {
    this.#port = port;
  }

  /** What the kernel takes another route for than the table's winner, a line each. */
  differences(table: KernelTable): readonly string[] {
    return destinations.flatMap(([destination, prefixes]) => {
      const { family, words } = parsePrefix(destination);
      const routes = prefixes.map((prefix) => table.routesOf(parsePrefix(prefix)));
      const winner = routes.map((own) => selectWinner(own, [mainTable])).find((own) => own !== null) ?? null;
      if (winner !== null && routes.some((own) => isOneOfDefaults(winner, own))) return [];
      const expected = winner === null || winner.type !== unicastType ? "no route" : text(winner);
      const taken = this.#ask(family, words);
      // It says "no route" by an object that has kept what was found out for a route that is gone since (rt6_drop_pcpu_from in
      // net/ipv6/ip6_fib.c, inet6_rtm_getroute in net/ipv6/route.c).
      if (taken === null && family === 6 && winner !== null && winner.nextHopId !== null) return [];
      const actual = taken === null ? "no route" : text(taken);
      if (expected === actual) return [];
      const isExplained = routes.some((own) =>
        own.some((set) => hasLegsOfSix(set) && explains(set, own, taken))
      );
      return isExplained ? [] : [`${destination}: the kernel takes ${actual}, not ${expected}`];
    });
  }

  /** The route that it takes, or null. */
  #ask(family: Family, words: Words): KernelRoute | null {
    const walk = this.#walk, decoder = this.#decoder;
    this.#sequence++;
    this.#port.send(lookupRequest(family, words, this.#sequence));
    walk.enter(this.#buffer, this.#port.receive(this.#buffer.bytes));
    if (!walk.next() || walk.sequence !== this.#sequence) {
      throw new Error("The kernel answers something else");
    }
    if (walk.type !== RTM_NEWROUTE || !decoder.decode(walk)) return null;
    const state = new KernelState([mainTable], [family]);
    return routeOf(
      { bodies: state.bodies, links: state.linksByIndex, nextHops: state.nextHops },
      prefixOf(family, decoder.words, decoder.length),
      state.bodies.add(decoder.body),
    );
  }
}

/** Whether a route of IPv6 has several legs of its own. */
function hasLegsOfSix({ prefix, table, legs, nextHopId }: KernelRoute): boolean {
  return prefix.family === 6 && table === mainTable && legs.length > 1 && nextHopId === null;
}

/**
 * Whether an answer that is not the winner's is one that the routes beside an IPv6 route with several legs explain. It is then of the prefix
 * and metric of that set, but which of them the kernel takes a dump cannot tell, since the kernel
 *
 * - compares each leg for itself with what else has the metric, by preference and place, of which a dump has those of the first leg alone
 *   (find_rr_leaf and rt6_score_route in net/ipv6/route.c);
 * - leaves out of a dump what stands between two legs, which may win (fib6_dump_node in net/ipv6/ip6_fib.c);
 * - passes over a leg whose lifetime has ended, of which a dump has that of the first leg alone.
 */
function explains(set: KernelRoute, routes: readonly KernelRoute[], taken: KernelRoute | null): boolean {
  const equal = routes.filter(({ metric }) => metric === set.metric);
  const own = equal.filter(({ table }) => table === mainTable);
  if (taken !== null && own.some((route) => text(route) === text(taken))) return true;
  const entries = kernelEntries(set.prefix, set.metric);
  if (entries.some((entry) => entry.expires)) return true;
  if (taken === null) {
    const rejecting = equal.filter(({ type }) => type !== unicastType);
    return own.some(({ type }) => type !== unicastType) ||
      entries.filter(({ rejects }) => rejects).length > rejecting.length;
  }
  if (taken.prefix.text !== set.prefix.text || taken.metric !== set.metric) return false;
  if (taken.nextHopId !== null) {
    // A message may name the object alone.
    const seen = equal.reduce(
      (sum, { nextHopId, legs }) => sum + (nextHopId === null ? Math.max(1, legs.length) : 1),
      0,
    );
    return entries.length > seen;
  }
  const ways = waysOf(taken);
  const seen = equal.flatMap(waysOf).filter((way) => ways.includes(way));
  return entries.filter(({ rejects, gateway }) => !rejects && ways.includes(gateway)).length > seen.length;
}

/** The gateways of its legs, as the kernel's entries name them. */
function waysOf({ legs }: KernelRoute): string[] {
  return legs.map(({ gateway }) => gateway === null ? noGateway : hex(gateway));
}

/**
 * Whether the winner is one of several IPv4 default routes that are equal: among them the kernel goes from one to the next, by what it
 * knows of the neighbours and by what it took last (fib_select_default in net/ipv4/fib_semantics.c).
 */
function isOneOfDefaults(winner: KernelRoute, routes: readonly KernelRoute[]): boolean {
  const { family, length } = winner.prefix;
  if (family !== 4 || length > 0 || !routes.includes(winner)) return false;
  return routes.some((route) =>
    route !== winner && route.table === mainTable && route.metric === winner.metric
  );
}

/**
 * What tells a route from others, but for what its next-hop object stands for, which not every message has. Legs of IPv6 may be of several
 * protocols: the answer names that of the leg which the address takes.
 */
function text({ prefix, protocol, metric, nextHopId, legs }: KernelRoute): string {
  const ways = legs.map(({ gateway, interfaceIndex, encapsulation }) =>
    [gateway?.text ?? "", interfaceIndex, encapsulation ?? ""].join(" ")
  );
  // The kernel keeps what it has found out with the object, which routes of several prefixes and groups share.
  if (prefix.family === 6 && nextHopId !== null) return "a next-hop object";
  const writer = prefix.family === 6 && legs.length > 1 ? [] : [`protocol ${protocol}`];
  return [prefix.text, ...writer, `metric ${metric}`, nextHopId ?? ways.join(", ")].join(", ");
}
