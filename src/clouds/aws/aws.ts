/**
 * AWS: routes of a VPC route table that point at network interfaces.
 *
 * Identity comes from instance metadata (version 2), everything else from EC2's API. A route carries no mark of its owner there,
 * so ownership is the ledger's; a table of its own carries tags.
 */

import type { Clock } from "../../async/clock.ts";
import { systemClock } from "../../async/system_clock.ts";
import type { Cloud, CloudConnection, CloudTraits } from "../cloud.ts";
import type { CloudOptions } from "../cloud_options.ts";
import { readCertificates } from "../kit/certificates.ts";
import type { Transport } from "../kit/transport.ts";
import { AwsConnection } from "./connection.ts";
import { openRegion, type Region, variableOf } from "./region.ts";
import { iamPolicy } from "./permissions.ts";
import { factsOf } from "./identity.ts";
import { type InstanceFacts, InstanceMetadata, metadataBases } from "./metadata.ts";
import { writeRate } from "./write_rate.ts";

const traits: CloudTraits = {
  batch: 1,
  atomic: false,
  parallel: 4,
  rate: writeRate,
  nextHopsPerRoute: 1,
  ownership: "ledger",
  // A route to an instance that does not run is a `blackhole`.
  readingShowsDead: true,
  uniquePrefix: true,
};

/** Opens AWS; makes no call yet. */
export function openAws(options: CloudOptions, clock: Clock = systemClock): Cloud {
  return new AwsCloud(options, clock);
}

class AwsCloud implements Cloud {
  readonly name = "aws";
  readonly traits = traits;
  readonly #options: CloudOptions;
  readonly #clock: Clock;
  readonly #now = (): number => this.#clock.now();
  readonly #transport: Transport;
  readonly #metadata: InstanceMetadata;
  #facts: InstanceFacts | null = null;
  #region: Region | null = null;

  constructor(options: CloudOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#transport = transportOf(options);
    this.#metadata = new InstanceMetadata(
      this.#transport,
      metadataBases(options.environment),
      this.#now,
    );
  }

  async identify(signal: AbortSignal): Promise<CloudConnection> {
    const facts = factsOf(await this.#metadata.facts(signal), this.#options.self);
    this.#facts = facts;
    return new AwsConnection(this.#options, facts, this.#open(facts));
  }

  policy(): string {
    return iamPolicy({
      owner: this.#options.owner,
      region: this.#facts?.region ?? this.#regionOfEnvironment() ?? "*",
      accountId: this.#facts?.accountId ?? "*",
      vpcId: this.#facts?.primary.vpcId ?? "*",
      routeTables: this.#options.routeTables,
    });
  }

  describe(nextHop: string): string {
    const own = this.#facts?.interfaces.find((each) => each.id === nextHop)?.addresses[0]?.text;
    const address = own ?? this.#region?.interfaces.addressOf(nextHop) ?? null;
    return address === null ? nextHop : `${nextHop} (${address})`;
  }

  /** What speaks to the region of this VM, made once a region. */
  #open(facts: InstanceFacts): Region {
    const name = this.#regionOfEnvironment() ?? facts.region;
    if (this.#region?.name === name) return this.#region;
    const [transport, metadata, clock] = [this.#transport, this.#metadata, this.#clock];
    return this.#region = openRegion(name, this.#options, { transport, metadata, clock });
  }

  #regionOfEnvironment(): string | undefined {
    return variableOf(this.#options, "AWS_REGION") ?? variableOf(this.#options, "AWS_DEFAULT_REGION");
  }
}

/** AWS' own variable for private authorities, besides those that count for every cloud. */
function transportOf({ transport, environment }: CloudOptions): Transport {
  const readFile = (path: string): string => Deno.readTextFileSync(path);
  const certificates = readCertificates(["AWS_CA_BUNDLE"], { environment, readFile });
  return certificates.length === 0 ? transport : transport.trusting(certificates);
}
