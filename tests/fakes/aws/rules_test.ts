/** The rules of the front before moto, each with where EC2 is said or seen to do so. */

import assert from "node:assert/strict";
import { skips } from "../../needs.ts";
import { Moto, motoMissing } from "./moto.ts";
import { AwsRig, type RigRoute, routesOf } from "./rig.ts";
import { anySignature } from "./strict_front.ts";
import { itemsOf, textOf } from "./xml.ts";

let moto: Moto | null = null;

Deno.test.afterAll(async () => await moto?.[Symbol.asyncDispose]());

/** Calls EC2 as the program does. @returns the answer's XML. */
type Call = (action: string, fields: Readonly<Record<string, string>>) => Promise<string>;

function ruleTest(name: string, show: (rig: AwsRig, call: Call) => Promise<void>): void {
  Deno.test({ name: `AWS: ${name}`, ignore: skips(motoMissing()) }, async () => {
    await using rig = await AwsRig.start(moto ??= await Moto.start());
    await show(rig, async (action, fields) => {
      const response = await fetch(rig.front.url, {
        method: "POST",
        headers: { authorization: anySignature },
        body: new URLSearchParams({ Action: action, Version: "2016-11-15", ...fields }),
      });
      return await response.text();
    });
  });
}

async function routesIn(call: Call, tableId: string): Promise<readonly RigRoute[]> {
  const answer = await call("DescribeRouteTables", { "RouteTableId.1": tableId });
  return routesOf(itemsOf(answer, "routeTableSet")[0] ?? "").filter(({ target }) => target !== "local");
}

function routeTo(rig: AwsRig, prefix: string, eni = rig.vpc.peer.interfaceId): Record<string, string> {
  return { RouteTableId: rig.vpc.mainTableId, DestinationCidrBlock: prefix, NetworkInterfaceId: eni };
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html, state: "The blackhole state indicates that the route's target isn't
// available (for example, … the specified NAT instance has been terminated)"; a stopped instance is back when it is started.
ruleTest(
  "a route to a stopped instance's interface is a blackhole until it is started",
  async (rig, call) => {
    await call("CreateRoute", routeTo(rig, "192.0.2.0/24"));
    const state = async (): Promise<unknown> => (await routesIn(call, rig.vpc.mainTableId)).at(-1)?.state;
    assert.equal(await state(), "active");
    rig.front.stopInterface(rig.vpc.peer.interfaceId);
    assert.equal(await state(), "blackhole");
    rig.front.startInterface(rig.vpc.peer.interfaceId);
    assert.equal(await state(), "active");
  },
);

// https://docs.aws.amazon.com/vpc/latest/userguide/vpc-route-tables.html: a deleted interface's routes stay, as blackholes; no call names it then
// (InvalidNetworkInterfaceID.NotFound, https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html).
ruleTest(
  "a route to a deleted interface stays as a blackhole, and no new one is taken",
  async (rig, call) => {
    const eni = rig.vpc.peer.interfaceId;
    await call("CreateRoute", routeTo(rig, "192.0.2.0/24"));
    rig.front.deleteInterface(eni);
    assert.equal((await routesIn(call, rig.vpc.mainTableId)).at(-1)?.state, "blackhole");
    assert.equal(
      textOf(await call("CreateRoute", routeTo(rig, "198.51.100.0/24")), "Code"),
      "InvalidNetworkInterfaceID.NotFound",
    );
    const found = await call("DescribeNetworkInterfaces", {
      "Filter.1.Name": "network-interface-id",
      "Filter.1.Value.1": eni,
    });
    assert.deepEqual(itemsOf(found, "networkInterfaceSet"), []);
  },
);

// https://github.com/hashicorp/terraform-provider-aws/pull/30515: a VPC Lattice association puts `pl-… → VpcLattice` into the route tables.
ruleTest("VPC Lattice's route is in every table, and no call takes it away", async (rig, call) => {
  const table = await rig.createTable(rig.vpc.vpcId);
  rig.front.associateLattice("pl-lattice");
  for (const id of [table, rig.vpc.mainTableId]) {
    const found = (await routesIn(call, id)).filter(({ destination }) => destination === "pl-lattice");
    assert.deepEqual(found.map(({ target }) => target), ["VpcLattice"]);
  }
  const refused = await call("DeleteRoute", { RouteTableId: table, DestinationPrefixListId: "pl-lattice" });
  assert.equal(textOf(refused, "Code"), "InvalidRoute.NotFound");
});

// https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html: "you might not be able to describe a resource immediately".
ruleTest("a new table is not listed at once, and may not even be known by its id", async (rig, call) => {
  const known = async (newTables: "unlisted" | "unknown"): Promise<readonly (string | null)[]> => {
    rig.front.faults.newTables = newTables;
    const id = textOf(await call("CreateRouteTable", { VpcId: rig.vpc.vpcId }), "routeTableId") ?? "";
    const filter = { "Filter.1.Name": "route-table-id", "Filter.1.Value.1": id };
    const listed = itemsOf(await call("DescribeRouteTables", filter), "routeTableSet").length;
    return [`${listed}`, textOf(await call("DescribeRouteTables", { "RouteTableId.1": id }), "Code")];
  };
  assert.deepEqual(await known("unlisted"), ["0", null]);
  assert.deepEqual(await known("unknown"), ["0", "InvalidRouteTableID.NotFound"]);
});

// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html.
ruleTest(
  "a client token answers with the first table, deleted or not, and takes no other parameters",
  async (rig, call) => {
    const fields = { VpcId: rig.vpc.vpcId, ClientToken: "token" };
    const create = async (): Promise<string> =>
      textOf(await call("CreateRouteTable", fields), "routeTableId") ?? "";
    const first = await create();
    await call("DeleteRouteTable", { RouteTableId: first });
    assert.equal(await create(), first);
    assert.equal(
      textOf(await call("CreateRouteTable", { ...fields, VpcId: "vpc-other" }), "Code"),
      "IdempotentParameterMismatch",
    );
  },
);

// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-prefix-eni.html, and the filters of
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html.
ruleTest(
  "a delegated prefix is found by the instances' filter, and by no filter of interfaces",
  async (rig, call) => {
    rig.front.delegated.add(rig.vpc.peer.interfaceId, "10.0.1.64/28");
    const byPrefix = await call("DescribeInstances", {
      "Filter.1.Name": "network-interface.ipv4-prefixes.ipv4-prefix",
      "Filter.1.Value.1": "10.0.1.64/28",
    });
    assert.match(byPrefix, new RegExp(`${rig.vpc.peer.interfaceId}.*<ipv4Prefix>10\\.0\\.1\\.64/28<`, "s"));
    rig.front.delegated.add(rig.vpc.client.interfaceId, "2001:0db8:0a1b:0301:7::/80");
    const byPrefix6 = await call("DescribeInstances", {
      "Filter.1.Name": "network-interface.ipv6-prefixes.ipv6-prefix",
      "Filter.1.Value.1": "2001:db8:a1b:301:7::/80",
    });
    assert.match(
      byPrefix6,
      new RegExp(`${rig.vpc.client.interfaceId}.*<ipv6Prefix>2001:db8:a1b:301:7::/80<`, "s"),
    );
    const byAddress = await call("DescribeNetworkInterfaces", {
      "Filter.1.Name": "addresses.private-ip-address",
      "Filter.1.Value.1": "10.0.1.70",
    });
    assert.deepEqual(itemsOf(byAddress, "networkInterfaceSet"), []);
  },
);

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (RouteAlreadyExists, RouteLimitExceeded, InvalidParameterValue) and
// https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html (reserved ranges; more specific than local only as a subnet).
ruleTest("what moto takes and EC2 refuses", async (rig, call) => {
  const code = async (prefix: string): Promise<string | null> =>
    textOf(await call("CreateRoute", routeTo(rig, prefix)), "Code");
  assert.equal(await code("192.0.2.0/24"), null);
  assert.equal(await code("192.0.2.0/24"), "RouteAlreadyExists");
  assert.equal(await code("192.168.9.5/24"), "InvalidParameterValue");
  assert.equal(await code("169.254.168.0/24"), "InvalidParameterValue");
  assert.equal(await code("10.0.9.0/24"), "InvalidParameterValue");
  assert.equal(await code("10.0.2.0/24"), null, "a whole subnet");
  rig.front.rules.limit = 4;
  assert.equal(await code("198.51.100.0/24"), "RouteLimitExceeded");
});

// https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html: only ModifyVpcEndpoint makes a gateway endpoint's route.
ruleTest("a gateway endpoint's route is made by the endpoint alone", async (rig, call) => {
  const fields = {
    RouteTableId: rig.vpc.mainTableId,
    DestinationPrefixListId: "pl-s3",
    GatewayId: "vpce-s3",
  };
  assert.equal(textOf(await call("CreateRoute", fields), "Code"), "InvalidParameterValue");
  const table = await rig.createTable(rig.vpc.vpcId);
  rig.front.addEndpointRoute(rig.vpc.mainTableId, { prefixListId: "pl-s3", endpointId: "vpce-s3" });
  await call("ModifyVpcEndpoint", { VpcEndpointId: "vpce-s3", "AddRouteTableId.1": table });
  assert.deepEqual((await routesIn(call, table)).map(({ target }) => target), ["vpce-s3"]);
  assert.equal(
    textOf(await call("DeleteRouteTable", { RouteTableId: table }), "Code"),
    "DependencyViolation",
  );
});

// https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html: a static route goes before a propagated one of its destination.
ruleTest("a propagated route stands beside a static one, and is nobody's to delete", async (rig, call) => {
  rig.front.addPropagatedRoute(rig.vpc.mainTableId, { prefix: "192.0.2.0/24", gatewayId: "vgw-1" });
  assert.equal(
    textOf(
      await call("DeleteRoute", { RouteTableId: rig.vpc.mainTableId, DestinationCidrBlock: "192.0.2.0/24" }),
      "Code",
    ),
    "InvalidRoute.NotFound",
  );
  assert.equal(textOf(await call("CreateRoute", routeTo(rig, "192.0.2.0/24")), "Code"), null);
  const both = (await routesIn(call, rig.vpc.mainTableId)).filter(({ destination }) =>
    destination === "192.0.2.0/24"
  );
  assert.equal(both.length, 2);
});

// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html: each action of an account and region has a bucket of its own;
// an empty one answers RequestLimitExceeded.
ruleTest(
  "each action has a bucket of calls, and another action's calls take nothing out of it",
  async (rig, call) => {
    rig.front.faults.bucketed = true;
    const table = { RouteTableId: rig.vpc.mainTableId, DestinationCidrBlock: "192.0.2.0/24" };
    const deletes = await Promise.all(Array.from({ length: 120 }, () => call("DeleteRoute", table)));
    const codes = new Set(deletes.map((answer) => textOf(answer, "Code")));
    assert.deepEqual([...codes].sort(), ["InvalidRoute.NotFound", "RequestLimitExceeded"]);
    const created = await call("CreateRoute", routeTo(rig, "192.0.2.0/24"));
    assert.equal(textOf(created, "Code"), null);
  },
);
