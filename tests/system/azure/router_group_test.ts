/**
 * Two routers of one owner on one route table of Azure, which know each other by the names of the routes alone: the executable in two
 * namespaces, without -peer.
 */

import assert from "node:assert/strict";
import { opensslMissing } from "../../fakes/certificates.ts";
import { propertiesOf } from "../../fakes/azure/arm_state.ts";
import { addresses, AzureRig, ids, route } from "../../fakes/azure/rig.ts";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { namespacesMissing } from "../namespace.ts";
import { until } from "../until.ts";
import { AzureVm } from "./azure_vm.ts";

const ignore = skips(opensslMissing(), namespacesMissing(), await binaryMissing());

const prefix = "198.51.100.0/24";
const another = "203.0.113.0/24";
const uplink = "192.168.7.5";
const first = addresses.router;
const second = "10.0.1.5";

function groupTest(name: string, run: (a: AzureVm, b: AzureVm, rig: AzureRig) => Promise<void>): void {
  Deno.test({ name, ignore }, async () => {
    await using rig = await AzureRig.start();
    const binary = await binaryPath();
    await using a = await AzureVm.create(rig, binary);
    await using b = await AzureVm.create(rig, binary, rig.addVm("router-b", 5));
    for (const { namespace } of [a, b]) await namespace.veth("tun0", "far0", "192.168.7.1/24");
    await a.telling(() => b.telling(() => run(a, b, rig)));
  });
}

/** Waits until each of the routers has looked at the table `times` more. */
async function untilLooked(rig: AzureRig, times: number): Promise<void> {
  const looks = (): number =>
    rig.arm.calls.filter(({ method, path }) => method === "GET" && path.endsWith(ids.ownTable)).length;
  const before = looks();
  await until("the routers look at the table", () => looks() >= before + 2 * times);
}

groupTest(
  "two routers of one owner leave each other's routes alone, and one takes over when its kernel says so",
  async (a, b, rig) => {
    const flags = ["-audit", "1s", "-no-ecmp"];
    a.start(...flags);
    await a.announce([prefix], uplink);
    await a.untilRoutes({ [prefix]: first });
    const runB = b.start(...flags);
    await b.announce([another], uplink);
    await b.announce([prefix], first);
    const both = { [prefix]: first, [another]: second };
    await a.untilRoutes(both);
    await untilLooked(rig, 3);
    assert.deepEqual(a.routes(), both, "neither withdraws the other's");
    assert.match(
      (await b.command("plan")).stdout,
      /= 198\.51\.100\.0\/24 +left to the peer that is its next hop/,
    );

    // The power of A is cut; B's routing daemon finds its own uplink best.
    await a.kill();
    await b.announce([prefix], uplink);
    await a.untilRoutes({ [prefix]: second, [another]: second });
    await runB.untilLog(/replace 198\.51\.100\.0\/24 .*10\.0\.1\.4 -> 10\.0\.1\.5 .*\(peer, /);

    // A is back, and B's daemon finds it best again.
    a.start(...flags);
    await untilLooked(rig, 3);
    assert.deepEqual(a.routes(), { [prefix]: second, [another]: second }, "A stands by");
    await b.announce([prefix], first);
    await a.untilRoutes(both);
    // A stood by and wrote nothing, so that B does not know it before it has put its own mark on what B handed over.
    await untilLooked(rig, 3);

    // B leaves for good.
    assert.equal((await b.stop()).code, 0);
    assert.equal((await b.command("cleanup")).code, 0);
    await a.untilRoutes({ [prefix]: first });
    const { routeTable } = propertiesOf(rig.arm.state.show(ids.subnet));
    assert.deepEqual(routeTable, { id: ids.ownTable }, "A's subnet uses A's table still");
    await a.stop();
    assert.equal((await a.command("cleanup")).code, 0);
    assert.equal(rig.arm.state.has(ids.ownTable), false);
  },
);

groupTest(
  "two routers of one owner share a route with several next hops, each its own",
  async (a, b, rig) => {
    const flags = ["-audit", "1s"];
    a.start(...flags);
    await a.announce([prefix], uplink);
    await a.untilRoutes({ [prefix]: first });
    b.start(...flags);
    await b.announce([prefix], uplink);
    await a.untilRoutes({ [prefix]: `${first},${second}` });
    await untilLooked(rig, 3);
    assert.deepEqual(a.routes(), { [prefix]: `${first},${second}` });
    await a.withdraw([prefix]);
    await a.untilRoutes({ [prefix]: second });
    await a.announce([prefix], uplink);
    await a.untilRoutes({ [prefix]: `${first},${second}` });
    await b.stop();
    assert.equal((await b.command("cleanup")).code, 0);
    await a.untilRoutes({ [prefix]: first });
  },
);

groupTest(
  "a route of version 1.0 is taken over where it points here or by a gateway of the kernel",
  async (a, b, rig) => {
    rig.placeFormerTable([
      route("crs-198.51.100.0_24", prefix, first),
      route("crs-203.0.113.0_24", another, addresses.other),
      route("crs-192.0.2.0_24", "192.0.2.0/24", second),
    ]);
    await a.announce([another], addresses.other);
    await b.announce(["192.0.2.0/24"], uplink);
    const flags = ["-audit", "1s", "-route-table", ids.formerTable, "-withdraw-delay", "10ms"];
    a.start(...flags);
    await a.untilRoutes({ [another]: addresses.other, "192.0.2.0/24": second }, ids.formerTable);
    b.start(...flags);
    await a.withdraw([another]);
    await a.untilRoutes({ "192.0.2.0/24": second }, ids.formerTable);
    await b.withdraw(["192.0.2.0/24"]);
    await a.untilRoutes({}, ids.formerTable);
  },
);
