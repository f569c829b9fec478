/** The route table that this program makes for its owner: found, made, completed, removed. */

import { getLogger } from "@logtape/logtape";
import { CloudError } from "../cloud_error.ts";
import { carryOver, gatewayEndpointOf, planCarryOver } from "./carry_over.ts";
import { type Ec2Association, type Ec2Route, type Ec2RouteTable, tagOf } from "./ec2_answers.ts";
import type { Ec2Api } from "./ec2_api.ts";
import { foreignRoutesOf, routeText } from "./foreign_routes.ts";
import {
  birthTags,
  formerMain,
  formerNames,
  formerTag,
  onlyTable,
  ownerTag,
  ownTableFilters,
} from "./tags.ts";
import type { Time } from "./time.ts";

const log = getLogger(["cloudroutesync", "aws"]);

/** So long a table that was made is believed to be there although EC2 does not list it, in milliseconds. */
const newbornMs = 120_000;

/** How often a table is read again, and how many milliseconds apart, before a route in it is taken for somebody else's. */
const looks = { count: 5, apartMs: 2_000 };
/** How many routes a log line names. */
const routesNamed = 10;

/** Where this VM is. */
export interface Place {
  readonly vpcId: string;
  /** The subnet of the primary interface: the one that is associated. */
  readonly subnetId: string;
}

/** Whose table it is and what may be done. */
export interface OwnTableOptions {
  readonly owner: string;
  /** Refuse rather than change which table the subnet uses. */
  readonly noAssociate: boolean;
}

/** The table that a subnet uses, and by which association; an implicit one (the VPC's main table) has none. */
interface Effective {
  readonly table: Ec2RouteTable;
  readonly association: Ec2Association | null;
}

/** A table made a moment ago: EC2 is consistent only in the end, and may not list it before some seconds have passed. */
interface Newborn {
  readonly table: Ec2RouteTable;
  readonly subnetId: string;
  /** What the subnet used when it was made: what EC2 shows meanwhile may be neither the old state nor the new one. */
  readonly former: Effective;
  /** Whether the subnet was given to it. */
  readonly associated: boolean;
  readonly at: number;
}

/** The owner's table in a VPC. */
export class OwnTable {
  readonly #api: Ec2Api;
  readonly #options: OwnTableOptions;
  readonly #time: Time;
  /** The same for each try of one creation, so that a try whose answer was lost does not make a second table. */
  #clientToken: string | null = null;
  /** So that a later try does not make a second table because EC2 does not list the first one yet. */
  #newborn: Newborn | null = null;

  constructor(api: Ec2Api, options: OwnTableOptions, time: Time) {
    this.#api = api;
    this.#options = options;
    this.#time = time;
  }

  /** Finds it; null if there is none. @throws {CloudError} `invalid` if there are several. */
  async find(place: Place, signal: AbortSignal): Promise<Ec2RouteTable | null> {
    const { owner } = this.#options;
    const found = await this.#api.findRouteTables(ownTableFilters(owner, place.vpcId), signal);
    return onlyTable(found, owner, place.vpcId);
  }

  /**
   * Makes it ready: exists, holds what the subnet's former table held, is associated. A subnet that uses it already is left
   * as it is.
   *
   * @throws {CloudError} `invalid` if the subnet must not be given to it: `-no-associate`, or another owner has it.
   */
  async prepare(place: Place, signal: AbortSignal): Promise<Ec2RouteTable> {
    const found = await this.find(place, signal);
    if (found !== null && associationOf(found, place.subnetId) !== null) return found;
    const newborn = found === null ? this.#newbornOf(place) : null;
    if (newborn?.associated) return newborn.table;
    if (this.#options.noAssociate) throw associationRefused(place, found);
    const former = newborn?.former ?? await this.#effective(place, signal);
    checkNobodyElses(former.table, place, this.#options.owner);
    const table = found ?? newborn?.table ?? await this.#create(place, former, signal);
    if (found !== null) await this.#rememberFormer(found, place, former, signal);
    await carryOver(this.#api, planCarryOver(former.table, table), table.RouteTableId, signal);
    await this.#associate(table, place, former, signal);
    if (this.#newborn?.table === table) this.#newborn = { ...this.#newborn, associated: true };
    return table;
  }

  /**
   * Puts the subnet's former association back and deletes the table; does nothing if there is none. The table stays where it still
   * holds routes of others that are nowhere else.
   */
  async remove(place: Place, signal: AbortSignal): Promise<void> {
    const table = await this.find(place, signal);
    if (table === null) return;
    await this.#restore(table, place, signal);
    const users = table.Associations.flatMap((each) => each.SubnetId ?? each.GatewayId ?? [])
      .filter((user) => user !== place.subnetId);
    if (users.length > 0) {
      throw new CloudError(
        "invalid",
        `Cannot delete route table ${table.RouteTableId}: ${users.join(", ")} still use it; ` +
          `run cleanup on their routers, or associate them with another table`,
      );
    }
    const foreign = await this.#foreignRoutes(table, place, signal);
    if (foreign.length > 0) return warnOfStay(table, foreign);
    await this.#leaveEndpoints(table, signal);
    await this.#api.deleteRouteTable(table.RouteTableId, false, signal);
    log.info("Deleted route table {table}", { table: table.RouteTableId });
  }

  async #create(place: Place, former: Effective, signal: AbortSignal): Promise<Ec2RouteTable> {
    this.#clientToken ??= crypto.randomUUID();
    const tags = birthTags(this.#options.owner, place.subnetId, formerName(former));
    const table = await this.#api.createRouteTable({
      VpcId: place.vpcId,
      ClientToken: this.#clientToken,
      TagSpecifications: [{ ResourceType: "route-table", Tags: tags }],
    }, signal);
    this.#clientToken = null;
    this.#newborn = { table, subnetId: place.subnetId, former, associated: false, at: this.#time.now() };
    log.info("Created route table {table} in {vpc}", { table: table.RouteTableId, vpc: place.vpcId });
    return table;
  }

  /** The table that was just made for a subnet; null if there is none, or if it should have been listed long since. */
  #newbornOf(place: Place): Newborn | null {
    const newborn = this.#newborn;
    if (newborn === null || newborn.subnetId !== place.subnetId) return null;
    return this.#time.now() - newborn.at < newbornMs ? newborn : null;
  }

  /** The table was made before, but the subnet came (back) to another one since: that is the one to restore. */
  async #rememberFormer(
    table: Ec2RouteTable,
    place: Place,
    former: Effective,
    signal: AbortSignal,
  ): Promise<void> {
    const tag = { Key: formerTag(place.subnetId), Value: formerName(former) };
    if (tagOf(table, tag.Key) === tag.Value) return;
    await this.#api.createTags({ Resources: [table.RouteTableId], Tags: [tag] }, signal);
  }

  async #associate(
    table: Ec2RouteTable,
    place: Place,
    former: Effective,
    signal: AbortSignal,
  ): Promise<void> {
    const { association } = former;
    if (association === null) {
      await this.#api.associate(table.RouteTableId, place.subnetId, false, signal);
    } else {
      const id = association.RouteTableAssociationId;
      await this.#api.replaceAssociation(id, table.RouteTableId, false, signal);
    }
    log.info("Associated subnet {subnet} with route table {table} in place of {former}", {
      subnet: place.subnetId,
      table: table.RouteTableId,
      former: former.table.RouteTableId,
    });
  }

  /** The table that the subnet uses now: its own association's, else the VPC's main one. */
  async #effective(place: Place, signal: AbortSignal): Promise<Effective> {
    const bySubnet = [{ Name: "association.subnet-id", Values: [place.subnetId] }];
    const [explicit] = await this.#api.findRouteTables(bySubnet, signal);
    if (explicit !== undefined) {
      return { table: explicit, association: associationOf(explicit, place.subnetId) };
    }
    return { table: await this.#main(place, signal), association: null };
  }

  async #main(place: Place, signal: AbortSignal): Promise<Ec2RouteTable> {
    const [main] = await this.#api.findRouteTables([
      { Name: "vpc-id", Values: [place.vpcId] },
      { Name: "association.main", Values: ["true"] },
    ], signal);
    if (main !== undefined) return main;
    throw new CloudError(
      "gone",
      `Cannot find the route table of subnet ${place.subnetId}: ${place.vpcId} has no main table`,
    );
  }

  async #restore(table: Ec2RouteTable, place: Place, signal: AbortSignal): Promise<void> {
    const association = associationOf(table, place.subnetId);
    if (association === null) return;
    const former = tagOf(table, formerTag(place.subnetId)) ?? formerMain;
    const id = association.RouteTableAssociationId;
    if (former !== formerMain) {
      try {
        await this.#api.replaceAssociation(id, former, false, signal);
        log.info("Associated subnet {subnet} with its former route table {former}", {
          subnet: place.subnetId,
          former,
        });
        return;
      } catch (error) {
        if (!(error instanceof CloudError) || error.kind !== "gone") throw error;
        log.warn("Subnet {subnet} falls back to the VPC's main table: its former table {former} is gone", {
          subnet: place.subnetId,
          former,
        });
      }
    }
    await this.#api.disassociate(id, false, signal);
  }

  /** Own routes were withdrawn just before and EC2 may list them for some seconds more: only what stays is somebody else's. */
  async #foreignRoutes(own: Ec2RouteTable, place: Place, signal: AbortSignal): Promise<Ec2Route[]> {
    const formers = await this.#formers(own, place, signal);
    let foreign = foreignRoutesOf(own, formers);
    for (let look = 0; look < looks.count && foreign.length > 0; look++) {
      await this.#time.pause(looks.apartMs, signal);
      const [now] = await this.#api.readRouteTables([own.RouteTableId], signal);
      if (now !== undefined) foreign = foreignRoutesOf(now, formers);
    }
    return foreign;
  }

  /** The tables that the subnets used before, as far as they exist; the VPC's main one stands for one that is gone. */
  async #formers(own: Ec2RouteTable, place: Place, signal: AbortSignal): Promise<Ec2RouteTable[]> {
    const names = formerNames(own);
    const ids = [...names].filter((name) => name !== formerMain);
    const byId = [{ Name: "route-table-id", Values: ids }];
    const found = ids.length === 0 ? [] : await this.#api.findRouteTables(byId, signal);
    return found.length === names.size ? found : [...found, await this.#main(place, signal)];
  }

  /** A gateway endpoint that still names the table would keep it from being deleted. */
  async #leaveEndpoints(table: Ec2RouteTable, signal: AbortSignal): Promise<void> {
    const endpoints = new Set(table.Routes.flatMap((route) => gatewayEndpointOf(route) ?? []));
    for (const endpoint of endpoints) {
      const change = { VpcEndpointId: endpoint, RemoveRouteTableIds: [table.RouteTableId] };
      await this.#api.modifyVpcEndpoint(change, signal);
    }
  }
}

/** The association of a subnet with a table; null if it has none, or one that is being taken away. */
export function associationOf(table: Ec2RouteTable, subnetId: string): Ec2Association | null {
  const ended = new Set(["disassociating", "disassociated", "failed"]);
  return table.Associations.find((each) =>
    each.SubnetId === subnetId && !ended.has(each.AssociationState?.State ?? "associated")
  ) ?? null;
}

function warnOfStay({ RouteTableId: table }: Ec2RouteTable, foreign: readonly Ec2Route[]): void {
  log.warn("Route table {table} stays: routes of others are in it and nowhere else ({count}): {routes}", {
    table,
    count: foreign.length,
    routes: foreign.slice(0, routesNamed).map(routeText).join(", "),
  });
}

function formerName(former: Effective): string {
  return former.association === null ? formerMain : former.table.RouteTableId;
}

/** Two owners who take a subnet from each other would do so for ever, each with the other's routes carried over as foreign. */
function checkNobodyElses(used: Ec2RouteTable, { subnetId }: Place, owner: string): void {
  const other = tagOf(used, ownerTag);
  if (other === null || other === owner) return;
  const id = used.RouteTableId;
  throw new CloudError(
    "invalid",
    `Cannot associate subnet ${subnetId} with a table of owner ${owner}: it uses route table ${id} of owner ${other}; ` +
      `share that one with -route-table ${id}`,
  );
}

function associationRefused(place: Place, found: Ec2RouteTable | null): CloudError {
  const what = found === null ? "a table of its own" : `route table ${found.RouteTableId}`;
  return new CloudError(
    "invalid",
    `Cannot associate subnet ${place.subnetId} with ${what}: -no-associate forbids it; ` +
      `associate it by hand, or hand over a table with -route-table`,
  );
}
