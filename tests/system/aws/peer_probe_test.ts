/** -peer-probe: a peer that does not answer makes the executable ask EC2, whose word alone counts. */

import assert from "node:assert/strict";
import { Moto, motoMissing } from "../../fakes/aws/moto.ts";
import { AwsRig } from "../../fakes/aws/rig.ts";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { namespacesMissing } from "../namespace.ts";
import { until } from "../until.ts";
import { AwsVm } from "./aws_vm.ts";

const ignore = skips(motoMissing(), namespacesMissing(), await binaryMissing());
const prefix = "198.51.100.0/24";
const peer = "10.0.1.20";

for (const probe of ["tcp:179", "icmp"]) {
  Deno.test({
    name:
      `a peer that does not answer ${probe} is suspect until EC2 says that it is dead, and then its prefix is taken over`,
    ignore,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      await using moto = await Moto.start();
      await using rig = await AwsRig.start(moto);
      await using vm = await AwsVm.create(rig, await binaryPath());
      await vm.telling(async () => {
        const { vpc } = rig;
        const table = await rig.createTable(vpc.vpcId);
        await rig.admin("CreateRoute", {
          RouteTableId: table,
          DestinationCidrBlock: prefix,
          NetworkInterfaceId: vpc.peer.interfaceId,
        });
        await vm.namespace.sysctl("net/ipv4/ping_group_range", "0 2147483647");
        // Whatever answers there, if only by a refusal, is the peer.
        await vm.namespace.ip(`address add ${peer}/32 dev lo`);
        await vm.namespace.ip("link set lo up");
        await vm.announce([prefix]);
        vm.start("-route-table", table, "-peer", peer, "-peer-probe", probe);
        const peers = async (): Promise<string> =>
          /^peers +(.*)$/m.exec((await vm.command("status")).stdout)?.[1] ?? "";
        const isPeer = (words: string) => async (): Promise<boolean> =>
          (await peers()).startsWith(`${peer}: ${words}`);
        await until("the peer is alive", isPeer("alive since "));
        assert.match(await peers(), new RegExp(`: it answers ${probe}$`));

        const instancesAsked = (): number =>
          rig.front.calls.filter(({ action }) => action === "DescribeInstances").length;
        const before = instancesAsked();
        await vm.namespace.ip(`address del ${peer}/32 dev lo`);
        await until("the peer is suspect", isPeer("suspect since "));
        await until("EC2 is asked", () => instancesAsked() > before);
        assert.deepEqual(await vm.summary(table), [`${prefix} peer`]);

        await rig.admin("StopInstances", { "InstanceId.1": vpc.peer.instanceId });
        await vm.untilRoutes([`${prefix} router`], table);
        assert.match(
          await peers(),
          /: dead since .*: the cloud says: (instance i-\w+ is stopped|packets for its routes are dropped)$/,
        );
      });
    },
  });
}
