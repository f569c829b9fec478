/** What is fed with arbitrary input: each target says what became of it, or throws what it must never throw. */

import { parseRouteTables } from "../../src/clouds/aws/schemas.ts";
import { cloudRoutesOf } from "../../src/clouds/aws/routes.ts";
import { CloudError } from "../../src/clouds/cloud_error.ts";
import { decodeRoute } from "../../src/clouds/azure/routes.ts";
import { parseAnswer } from "../../src/clouds/kit/answer.ts";
import { routeTableSchema } from "../../src/clouds/azure/schemas.ts";
import type { ComputeApi } from "../../src/clouds/gcp/api.ts";
import { readRoutes, type RouteSettings } from "../../src/clouds/gcp/routes.ts";
import { routePage } from "../../src/clouds/gcp/schemas.ts";
import { LocalFile } from "../../src/clouds/local/local_file.ts";
import { routesOfPairs } from "../../src/clouds/openstack/routes.ts";
import { routerSchema } from "../../src/clouds/openstack/schemas.ts";
import { readSettings } from "../../src/cli/settings.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { commandLine } from "../fakes/command_lines.ts";
import { allFixtureMessages } from "../fakes/netlink_messages.ts";
import { outcomeOfMessage } from "./netlink_outcome.ts";
import * as v from "valibot";

/** See the head of this file. */
export interface FuzzTarget {
  readonly name: string;
  /** Good inputs to begin with. */
  readonly seeds: () => readonly Uint8Array[];
  /** What became of an input. @throws whatever is a defect. */
  readonly outcome: (input: Uint8Array) => string | Promise<string>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** All of them. */
export const targets: readonly FuzzTarget[] = [
  { name: "netlink", seeds: allFixtureMessages, outcome: (input) => kindOf(outcomeOfMessage(input)) },
  {
    name: "flags",
    seeds: () =>
      texts(
        "run -cloud aws -event -netlink 10 -sync 2m -route-table rtb-1,rtb-2 -adopt",
        "plan -include 10.0.0.0/8_ge_16_le_24 -exclude 10.9.0.0/16+ -protocol bgp,12 -table main",
        "routes 10.0.0.0/8 -output json -self 10.0.0.2/24 -self fd00::2/64",
        "run -listen [::1]:9100 -max-withdraw 30 -hold 1h30m -pod-cidr auto -node a -cloud gcp -priority 900",
        "explain 10.0.0.1 -config file.json",
      ),
    outcome: (input) => outcomeOfFlags(decoder.decode(input)),
  },
  {
    name: "local_file",
    seeds: () =>
      texts(
        '{"version":12,"quota":500,"routes":[{"prefix":"198.51.100.0/24","nextHop":"10.0.0.2","owner":"a"}]}',
      ),
    outcome: outcomeOfLocalFile,
  },
  {
    name: "aws_tables",
    seeds: () =>
      texts(
        '[{"RouteTableId":"rtb-1","VpcId":"vpc-1","Tags":[{"Key":"a","Value":"b"}],"Associations":[{"RouteTableAssociationId":"x","SubnetId":"s","Main":true}],"Routes":[{"DestinationCidrBlock":"10.0.0.0/8","NetworkInterfaceId":"eni-1","State":"active","Origin":"CreateRoute"}],"PropagatingVgws":[{"GatewayId":"vgw-1"}]}]',
      ),
    outcome: (input) =>
      outcomeOfJson(
        input,
        (answer) => parseRouteTables(answer).flatMap((table) => cloudRoutesOf(table)).length,
      ),
  },
  {
    name: "azure_table",
    seeds: () =>
      texts(
        '{"id":"/s/t","name":"t","location":"l","etag":"e","tags":{"a":"b"},"properties":{"provisioningState":"Succeeded","routes":[{"name":"r","properties":{"addressPrefix":"10.0.0.0/8","nextHopType":"VirtualAppliance","nextHopIpAddress":"10.0.0.4"}}],"subnets":[{"id":"s"}]}}',
      ),
    outcome: (input) =>
      outcomeOfJson(input, (answer) => {
        const { properties } = parseAnswer(routeTableSchema, answer, "read it");
        return (properties.routes ?? []).map(decodeRoute).length;
      }),
  },
  {
    name: "gcp_routes",
    seeds: () =>
      texts(
        '{"nextPageToken":"n","items":[{"name":"crs-1","network":"n","destRange":"10.0.0.0/8","priority":1000,"nextHopIp":"10.0.0.4","tags":["a"],"description":"d"}]}',
      ),
    outcome: outcomeOfGcpPage,
  },
  {
    name: "openstack_router",
    seeds: () =>
      texts(
        '{"id":"r","name":"n","project_id":"p","routes":[{"destination":"10.0.0.0/8","nexthop":"10.0.0.4"}],"revision_number":3}',
      ),
    outcome: (input) =>
      outcomeOfJson(input, (answer) => {
        const parsed = v.safeParse(routerSchema, answer);
        return parsed.success ? routesOfPairs(parsed.output.routes).length : "refused";
      }),
  },
];

/** Of what was decoded, only how much it is. */
function kindOf(outcome: string): string {
  return outcome.startsWith("Cannot") ? shape(outcome) : `${outcome.length >> 3}`;
}

function texts(...all: readonly string[]): Uint8Array[] {
  return all.map((text) => encoder.encode(text));
}

function outcomeOfFlags(text: string): string {
  try {
    const { errors } = readSettings(commandLine(text));
    return errors.length === 0 ? "settings" : shape(errors.join("; "));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return shape(error.message);
  }
}

async function outcomeOfLocalFile(input: Uint8Array): Promise<string> {
  const path = await Deno.makeTempFile({ prefix: "cloudroutesync-fuzz-" });
  try {
    await Deno.writeFile(path, input);
    const { routes } = await new LocalFile(path).read();
    return `${routes.length} routes`;
  } catch (error) {
    return known(error);
  } finally {
    await Deno.remove(path);
  }
}

const gcpSettings: RouteSettings = {
  sign: null,
  owner: "cloudroutesync",
  instance: "vm",
  network: "n",
  project: "p",
  self: {
    id: "vm",
    fields: { 4: { nextHopIp: "10.0.0.2" }, 6: null },
    addresses: ["10.0.0.2"],
    elsewhere: [],
    isShared: false,
  },
  priority: 1000,
  tags: [],
};

/** A page as the API's client hands it on, read as the routes of network `n`. */
async function outcomeOfGcpPage(input: Uint8Array): Promise<string> {
  let answer: unknown;
  const checked = outcomeOfJson(
    input,
    (given) => v.safeParse(routePage, answer = given).success ? "fits" : "refused",
  );
  if (checked !== "fits") return checked;
  const pages = { pages: () => Promise.resolve([v.parse(routePage, answer)]) };
  // Of the client only this is used.
  const api = pages as unknown as ComputeApi;
  const { routes, staticCount } = await readRoutes(api, gcpSettings, new AbortController().signal);
  return `${routes.map(({ owner, prefix }) => `${owner} ${prefix.family}`)} of ${staticCount}`;
}

function outcomeOfJson(input: Uint8Array, use: (answer: unknown) => number | string): string {
  let answer: unknown;
  try {
    answer = JSON.parse(decoder.decode(input));
  } catch {
    return "no JSON";
  }
  try {
    return `${use(answer)}`;
  } catch (error) {
    return known(error);
  }
}

/** The shape of an error that callers are prepared for. @throws any other. */
function known(error: unknown): string {
  if (error instanceof CloudError && error.kind === "malformed") return shape(error.message);
  throw error;
}

/** A message without what differs from input to input. */
function shape(message: string): string {
  return message.replaceAll(/"[^"]*"/g, '""').replaceAll(/\/tmp\/\S+/g, "FILE").replaceAll(
    /[0-9a-f]*\d[0-9a-f]*/g,
    "0",
  )
    .slice(0, 120);
}
