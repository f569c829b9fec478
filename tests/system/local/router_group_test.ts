/** Two routers that share the embedded cloud's table: the executable in two namespaces, told of each other by -peer. */

import assert from "node:assert/strict";
import { binaryPath } from "../binary.ts";
import { Namespace } from "../namespace.ts";
import { RouterVm } from "../router_vm.ts";
import { ignore, Router } from "./router.ts";

const prefix = "198.51.100.0/24";
const uplink = "192.168.7.5";
const first = "10.0.0.2";
const second = "10.0.0.3";

/** The second router, on the first one's file. */
async function beside(router: Router): Promise<RouterVm> {
  const namespace = await Namespace.create();
  await namespace.veth("eth0", "fabric", `${second}/24`);
  await namespace.veth("tun0", "far", "192.168.7.1/24");
  await namespace.ip("route add default via 10.0.0.1");
  const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-local-" });
  return new RouterVm({
    cloud: "local",
    namespace,
    binary: await binaryPath(),
    folder,
    flags: ["-local-file", router.file, "-state", folder, "-peer", first],
    gateway: uplink,
    environment: () => ({}),
    relay: null,
  });
}

function groupTest(name: string, run: (a: Router, b: RouterVm) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    async fn(): Promise<void> {
      await using a = await Router.create();
      await using b = await beside(a);
      await a.telling(() => b.telling(() => run(a, b)));
    },
  });
}

/** The flags of the first router besides those of all tests. */
function groupFlags(a: Router): string[] {
  return ["-state", `${a.folder}/state`, "-peer", second];
}

groupTest(
  "a peer takes over when its kernel's best route moves, and hands back without a gap",
  async (a, b) => {
    const runA = a.start(...groupFlags(a));
    await a.announce([prefix], uplink);
    await a.untilTable({ [prefix]: first });
    const runB = b.start();
    await b.announce([prefix], first);
    await runB.untilLog(/Keeping local in step/);
    assert.match(
      (await b.command("plan")).stdout,
      /= 198\.51\.100\.0\/24 +left to the peer that is its next hop/,
    );

    // The power of A is cut; B's routing daemon finds its own uplink best.
    await runA.kill();
    await b.announce([prefix], uplink);
    await a.untilTable({ [prefix]: second });
    await runB.untilLog(/replace 198\.51\.100\.0\/24 .*10\.0\.0\.2 -> 10\.0\.0\.3 \(peer, /);

    // A is back. It wants the prefix and leaves it to B; B's daemon finds A best again, and B hands over.
    const again = a.start(...groupFlags(a));
    await again.untilLog(/Keeping local in step/);
    const { document } = await a.document("plan", ...groupFlags(a)) as {
      document: { tables: { changes: unknown[]; blocked: unknown[] }[] };
    };
    assert.deepEqual(document.tables[0]?.changes, []);
    assert.deepEqual(document.tables[0]?.blocked.at(-1), { prefix, reason: "standby" });
    await b.announce([prefix], first);
    await a.untilTable({ [prefix]: first });
    await runB.untilLog(/replace 198\.51\.100\.0\/24 .*10\.0\.0\.3 -> 10\.0\.0\.2 \(peer, /);
  },
);

groupTest("what a living peer has is not withdrawn by a router that wants it no more", async (a, b) => {
  a.start(...groupFlags(a));
  await a.announce([prefix], uplink);
  await a.untilTable({ [prefix]: first });
  const runB = b.start("-withdraw-delay", "10ms");
  await b.announce([prefix, "203.0.113.0/24"], uplink);
  await a.untilTable({ [prefix]: first, "203.0.113.0/24": second });
  await b.withdraw([prefix, "203.0.113.0/24"]);
  await runB.untilLog(/delete 203\.0\.113\.0\/24/);
  await a.untilTable({ [prefix]: first });
  assert.equal((await b.command("cleanup")).code, 1, "the service runs");
  await b.stop();
  assert.equal((await b.command("cleanup")).code, 0);
  await a.untilTable({ [prefix]: first });
});

groupTest(
  "the active address decides which of two routers changes routes; the passive one leaves all as it is",
  async (a, b) => {
    const active = ["-active-address", "10.0.0.100"];
    await a.ip("address add 10.0.0.100/32 dev eth0");
    a.start(...groupFlags(a), ...active);
    const runB = b.start(...active);
    await runB.untilLog(/Passive: 10\.0\.0\.100 is not on this VM/);
    await b.announce([prefix], uplink);
    await a.announce([prefix], uplink);
    await a.untilTable({ [prefix]: first });

    await a.ip("address del 10.0.0.100/32 dev eth0");
    await b.namespace.ip("address add 10.0.0.100/32 dev eth0");
    await runB.untilLog(/Active: 10\.0\.0\.100 is on this VM/);
    await a.untilTable({ [prefix]: second });
    await a.withdraw([prefix]);
    await a.stop();
    assert.deepEqual(await a.table(), { [prefix]: second });
  },
);
