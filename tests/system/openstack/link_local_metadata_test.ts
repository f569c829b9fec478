/** A VM on a network of IPv6 alone, whose metadata service has a link-local address and nothing else. */

import assert from "node:assert/strict";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { Namespace, namespacesMissing } from "../namespace.ts";
import { until } from "../until.ts";

const host = new URL("../../fakes/openstack/link_local_host.ts", import.meta.url).pathname;

Deno.test({
  name: "the executable asks fe80::a9fe:a9fe on its links who this VM is, where IPv4 has no answer",
  ignore: skips(namespacesMissing(), await binaryMissing()),
  async fn(): Promise<void> {
    await using vm = await Namespace.create();
    await using hypervisor = await Namespace.create();
    // A link of a container's first: nobody answers there.
    await vm.batch([
      "link add docker0 type veth peer name inside",
      "link set docker0 up",
      "link set inside up",
    ]);
    await vm.ip(`link add eth0 type veth peer name tap0 netns ${hypervisor.pid}`);
    await vm.batch(["link set eth0 up", "address add fd00:1::20/64 dev eth0 nodad"]);
    await hypervisor.batch([
      "link set tap0 up",
      "address add fd00:1::1/64 dev tap0 nodad",
      "address add fe80::a9fe:a9fe/64 dev tap0 nodad",
    ]);
    const served = await Served.start(hypervisor);
    try {
      await until(
        "eth0 has its link-local address",
        async () =>
          /inet6 fe80\S+ scope link (?!tentative)/.test(await vm.ip("address show dev eth0 scope link")),
      );
      const { code, stdout } = await vm.run([
        "env",
        "OS_AUTH_URL=http://[fd00:1::1]:5000/v3",
        "OS_APPLICATION_CREDENTIAL_ID=id",
        "OS_APPLICATION_CREDENTIAL_SECRET=secret",
        await binaryPath(),
        ..."doctor -cloud openstack -ipv6 -state /tmp".split(" "),
      ]);
      assert.equal(code, 1, stdout);
      const asked = served.lines.filter((line) => line !== "ready" && !line.includes("/v3/"));
      assert.deepEqual(asked.slice(0, 2), [
        "metadata GET /openstack/latest/meta_data.json [fe80::a9fe:a9fe]",
        "metadata GET /openstack/latest/network_data.json [fe80::a9fe:a9fe]",
      ], stdout);
      assert.match(asked[2] ?? "", /^api GET .*\/ports.*port-1/);
    } finally {
      await served.stop();
    }
  },
});

/** The host's server, in its namespace. */
class Served {
  readonly lines: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#read = this.#readLines();
  }

  static async start(namespace: Namespace): Promise<Served> {
    const args = [Deno.execPath(), "run", "--no-check", "--allow-net", host, "tap0", "fd00:1::1"];
    const served = new Served(namespace.spawn(args, { stdout: "piped", stderr: "null" }));
    await until("the host serves", () => served.lines.includes("ready"));
    return served;
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await this.#read;
  }

  async #readLines(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const whole = (rest + text).split("\n");
      rest = whole.pop() ?? "";
      this.lines.push(...whole);
    }
  }
}
