/** A route with more next hops than a dump's message holds ends the kernel's dump: what stands behind it must not leave the cloud. */

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { skips } from "../../needs.ts";
import { Namespace, namespacesMissing } from "../namespace.ts";
import { until, untilSame } from "../until.ts";

const ignore = skips(namespacesMissing());
const main = resolve(import.meta.dirname ?? ".", "../../../main.ts");
const wideRoute = resolve(import.meta.dirname ?? ".", "wide_route.ts");
const run = [Deno.execPath(), "run", "--allow-all", "--no-check"];

/** How many routes: 20.0.0.0/24 stands before 30.0.0.0/24, which is the wide one, and 40.0.N.0/24 behind it. */
const behind = ["40.0.0.0/24", "40.0.1.0/24", "40.0.2.0/24"];

/** A namespace with the program, its cloud, and a way to add the wide route. */
class Scene implements AsyncDisposable {
  readonly namespace: Namespace;
  readonly folder: string;

  private constructor(namespace: Namespace, folder: string) {
    this.namespace = namespace;
    this.folder = folder;
  }

  static async create(): Promise<Scene> {
    const namespace = await Namespace.create();
    await namespace.veth("a0", "a1", "10.0.0.1/16");
    await namespace.batch(
      ["20.0.0.0/24", ...behind].map((prefix) => `route add ${prefix} via 10.0.0.2 proto bgp`),
    );
    return new Scene(namespace, await Deno.makeTempDir({ prefix: "cloudroutesync-wide-" }));
  }

  /** Its command line. */
  program(command: string, ...flags: readonly string[]): string[] {
    const file = `${this.folder}/cloud.json`;
    return [...run, main, command, "-cloud", "local", "-self", "10.0.0.1/16", "-local-file", file, ...flags];
  }

  async addWideRoute(): Promise<void> {
    const device = JSON.parse(await this.namespace.ip("-j link show a0"))[0].ifindex;
    await this.namespace.must([...run, wideRoute, "30.0.0", "2100", `${device}`]);
  }

  /** Prefixes of the embedded cloud's table. */
  async cloud(): Promise<readonly string[]> {
    const { routes } = JSON.parse(await Deno.readTextFile(`${this.folder}/cloud.json`)) as {
      readonly routes: readonly { readonly prefix: string }[];
    };
    return routes.map(({ prefix }) => prefix).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.namespace[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

const told = "Cannot read all IPv4 routes of table 254: the kernel's dump ends after 3 of 7 routes " +
  "(a route with more next hops than fit into one message ends it); what is missing is not withdrawn";

Deno.test({
  name: "A first dump that a wide route ends early is told, and withdraws nothing",
  ignore,
  async fn(): Promise<void> {
    await using scene = await Scene.create();
    const { namespace } = scene;
    await namespace.must(scene.program("apply"));
    const before = await scene.cloud();
    assert.deepEqual(before, ["20.0.0.0/24", ...behind]);
    await scene.addWideRoute();
    await namespace.ip("route add 20.0.1.0/24 via 10.0.0.2 proto bgp");
    for (const rules of ["", "rule add to 192.0.2.0/24 table 52"]) {
      if (rules !== "") await namespace.ip(rules);
      const applied = await namespace.run(scene.program("apply"));
      assert.equal(applied.code, 1, applied.stderr);
      assert.ok(applied.stderr.includes(told), applied.stderr);
      assert.deepEqual(await scene.cloud(), ["20.0.0.0/24", "20.0.1.0/24", ...behind]);
    }
    const planned = await namespace.run(scene.program("plan"));
    assert.equal(planned.code, 0, planned.stdout);
    assert.ok(planned.stderr.includes(told), planned.stderr);
    const listed = await namespace.run([...run, main, "routes"]);
    assert.ok(listed.stderr.includes("Cannot read all IPv4 routes"), listed.stderr);
  },
});

Deno.test({
  name: "A first dump that a wide IPv6 route ends early is told, and withdraws nothing",
  ignore,
  async fn(): Promise<void> {
    await using scene = await Scene.create();
    const { namespace } = scene;
    await namespace.ip("-6 address add 2001:db8::1/64 dev a0 nodad");
    await namespace.ip("-6 route add 2001:db8:9::/48 via 2001:db8::2 proto bgp");
    const six = ["-self", "2001:db8::1/64", "-ipv6"];
    await namespace.must(scene.program("apply", ...six));
    const before = await scene.cloud();
    assert.ok(before.includes("2001:db8:9::/48"), before.join());
    const legs = Array.from(
      { length: 1_300 },
      (_, index) => `route append 2001:db8:8::/48 via 2001:db8::1:${index.toString(16)} dev a0`,
    );
    await namespace.must(["ip", "-6", "-batch", "-"], `${legs.join("\n")}\n`);
    const applied = await namespace.run(scene.program("apply", ...six));
    assert.equal(applied.code, 1, applied.stderr);
    assert.match(applied.stderr, /Cannot read all IPv6 routes: the kernel's dump ends after \d+ of 1\d\d\d /);
    assert.deepEqual(await scene.cloud(), before);
  },
});

Deno.test({
  name:
    "A run that begins beside a wide route withdraws what it has seen go, and the rest once the dump is whole",
  ignore,
  async fn(): Promise<void> {
    await using scene = await Scene.create();
    const { namespace } = scene;
    await namespace.must(scene.program("apply"));
    await scene.addWideRoute();
    await namespace.ip("route del 40.0.2.0/24");
    const flags = ["-event", "-audit", "1", "-listen", "127.0.0.1:9155"];
    await using _program = namespace.spawn(scene.program("run", ...flags), {
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    const status = async (): Promise<string> =>
      (await namespace.run(["curl", "-s", "http://127.0.0.1:9155/status"])).stdout;
    await until("the status tells it", async () => (await status()).includes("Cannot read all IPv4 routes"));
    await namespace.ip("route add 50.0.0.0/24 via 10.0.0.2 proto bgp");
    await untilSame(["20.0.0.0/24", ...behind, "50.0.0.0/24"], () => scene.cloud());
    await namespace.ip("route del 50.0.0.0/24");
    await untilSame(["20.0.0.0/24", ...behind], () => scene.cloud());
    await namespace.ip("route del 30.0.0.0/24");
    await untilSame(["20.0.0.0/24", "40.0.0.0/24", "40.0.1.0/24"], () => scene.cloud());
  },
});
