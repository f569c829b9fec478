/** Which of this VM's subnets use a route table: by an association of their own, or as the VPC's main table by having none. */

import type { Ec2Api } from "./api.ts";
import type { Ec2RouteTable } from "./schemas.ts";
import { subnetsOf } from "./association.ts";

/** How long it is remembered which subnets have a table of their own, in milliseconds. */
const rememberMs = 60_000;

/** Tells users of tables; asks EC2 only about the main table. */
export class SubnetUse {
  readonly #api: Pick<Ec2Api, "findRouteTables">;
  readonly #now: () => number;
  /** The subnets with an association of their own, of those that were asked for. */
  #associated: { readonly of: string; readonly subnets: ReadonlySet<string>; readonly at: number } | null =
    null;

  /** @param now monotonic clock in milliseconds. */
  constructor(api: Pick<Ec2Api, "findRouteTables">, now: () => number) {
    this.#api = api;
    this.#now = now;
  }

  /** Those of some subnets that use a table. @throws {CloudError} */
  async usersOf(table: Ec2RouteTable, subnets: readonly string[], signal: AbortSignal): Promise<Set<string>> {
    const explicit = new Set(subnetsOf(table));
    const users = subnets.filter((subnet) => explicit.has(subnet));
    const rest = subnets.filter((subnet) => !explicit.has(subnet));
    if (rest.length === 0 || !table.Associations.some(({ Main }) => Main)) return new Set(users);
    const elsewhere = await this.#withOwnTable(rest, signal);
    return new Set([...users, ...rest.filter((subnet) => !elsewhere.has(subnet))]);
  }

  async #withOwnTable(subnets: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const of = subnets.join(" ");
    const known = this.#associated;
    if (known !== null && known.of === of && this.#now() - known.at < rememberMs) return known.subnets;
    const tables = await this.#api.findRouteTables(
      [{ Name: "association.subnet-id", Values: [...subnets] }],
      signal,
    );
    const found = new Set(tables.flatMap(subnetsOf));
    this.#associated = { of, subnets: found, at: this.#now() };
    return found;
  }
}
