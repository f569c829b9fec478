/** The kernel's table with the node's own pod networks in it, as if the kernel had routes for them that end in this VM. */

import type { InterfaceAddress, KernelRoute, KernelTable, Link } from "../kernel/kernel_table.ts";
import type { Prefix } from "../routes/prefix.ts";
import { type RouteRows, type RouteRun, routesByPrefix, runOf } from "../routes/route_rows.ts";

/** The device that they go out of. No real one can be called so: a device's name has no space (dev_valid_name in net/core/dev.c). */
export const nodeDevice = "kubernetes node";
const nodeLink: Link = { index: 0, name: nodeDevice, altNames: [], up: true, running: true };
/** Who installed them; beyond what the kernel has (`rtm_protocol` is a byte). */
export const nodeProtocol = 256;
/** They come before all that the kernel has for the same prefix (a bridge's network without a gateway, most often). */
const nodeMetric = -1;

/** See the head of this file. */
export class NodeTable implements KernelTable {
  readonly #kernel: KernelTable;
  readonly #table: number;
  readonly #networks: () => readonly Prefix[];

  /** @param table number of the kernel table that the networks count as part of. */
  constructor(kernel: KernelTable, table: number, networks: () => readonly Prefix[]) {
    this.#kernel = kernel;
    this.#table = table;
    this.#networks = networks;
  }

  get size(): number {
    return this.#kernel.size + this.#networks().length;
  }

  *routes(): Iterable<KernelRoute> {
    for (const group of this.prefixes()) yield* group;
  }

  prefixes(): Iterable<readonly KernelRoute[]> {
    return routesByPrefix(this.rows());
  }

  rows(): RouteRows {
    return new NodeRows(this.#kernel.rows(), this.#table, this.#networks());
  }

  routesOf(prefix: Prefix): readonly KernelRoute[] {
    const routes = this.#kernel.routesOf(prefix);
    return this.#networks().some((network) => isSame(network, prefix))
      ? [nodeRoute(prefix, this.#table), ...routes]
      : routes;
  }

  mayLack(prefix: Prefix): boolean {
    return this.#kernel.mayLack(prefix) && !this.#networks().some((network) => isSame(network, prefix));
  }

  links(): readonly Link[] {
    return [...this.#kernel.links(), nodeLink];
  }

  addresses(): readonly InterfaceAddress[] {
    return this.#kernel.addresses();
  }
}

/** The body of the node's routes, which no body of the kernel's reaches. */
const nodeBody = 2 ** 31 - 1;

/** The kernel's columns with the networks behind them. */
class NodeRows implements RouteRows {
  readonly #kernel: RouteRows;
  readonly #table: number;
  readonly #networks: readonly Prefix[];

  constructor(kernel: RouteRows, table: number, networks: readonly Prefix[]) {
    this.#kernel = kernel;
    this.#table = table;
    this.#networks = networks;
  }

  get bodyCount(): number {
    return this.#kernel.bodyCount;
  }

  *runs(without: readonly Prefix[] = []): Generator<RouteRun> {
    yield* this.#kernel.runs([...without, ...this.#networks]);
    for (const network of this.#networks) {
      if (without.some((prefix) => isSame(prefix, network))) continue;
      yield runOf(network, this.bodiesOf(network));
    }
  }

  routeOf(prefix: Prefix, body: number): KernelRoute {
    return body === nodeBody ? nodeRoute(prefix, this.#table) : this.#kernel.routeOf(prefix, body);
  }

  bodiesOf(prefix: Prefix): readonly number[] {
    const bodies = this.#kernel.bodiesOf(prefix);
    return this.#networks.some((network) => isSame(network, prefix)) ? [nodeBody, ...bodies] : bodies;
  }
}

/** Words, not texts, are compared: a table may have a million prefixes, and a text has to be made for each. */
function isSame(left: Prefix, right: Prefix | undefined): boolean {
  return right !== undefined && left.length === right.length && left.family === right.family &&
    left.words.every((word, index) => word === right.words[index]);
}

function nodeRoute(prefix: Prefix, table: number): KernelRoute {
  const leg = {
    gateway: null,
    interfaceIndex: nodeLink.index,
    interfaceName: nodeDevice,
    weight: 1,
    dead: false,
    linkDown: false,
    onLink: false,
    encapsulation: null,
  };
  return {
    prefix,
    table,
    protocol: nodeProtocol,
    type: 1,
    scope: 0,
    tos: 0,
    metric: nodeMetric,
    nextHopId: null,
    source: null,
    preference: 0,
    preferredSource: null,
    legs: [leg],
  };
}
