/** The network namespace that walks go through, from inside: its devices, and `ip` for them. */

import { IpBatch } from "./ip_batch.ts";
import { bigProtocol, type Sysctls } from "./walk_plan.ts";

/** What every walk finds: two veth pairs with addresses, a bridge, and next-hop objects. */
const setUp: readonly string[] = [
  "link add a0 type veth peer name a1",
  "link add b0 type veth peer name b1",
  "link add br0 type bridge",
  "link add d0 type veth peer name d1",
  "link set d1 up",
  "link set d0 up",
  "link set a1 up",
  "link set b1 up",
  "link set br0 up",
  "address add 10.0.0.1/24 dev a0",
  "address add 10.0.1.1/24 dev b0",
  "address add 2001:db8::1/64 dev a0 nodad",
  "address add 2001:db8:1::1/64 dev b0 nodad",
  "link set a0 up",
  "link set b0 up",
  "nexthop add id 1 via 10.0.0.2 dev a0",
  "nexthop add id 2 via 10.0.1.2 dev b0",
  "nexthop add id 3 via 10.0.0.3 dev a0",
  "nexthop add id 4 via 2001:db8::2 dev a0",
  "nexthop add id 5 via 2001:db8:1::2 dev b0",
  "nexthop add id 6 via 2001:db8::3 dev a0",
  "nexthop add id 7 group 1/2",
  "nexthop add id 8 group 4/5",
];

/** Undoes whatever a walk may have left. */
const cleanUp: readonly string[] = [
  ...["a0", "b0", "br0", "c0", "c1", "c9", "d0"].map((device) => `link del ${device}`),
  "nexthop flush",
  ...["boot", "bgp", "bird", "static", "dhcp", "kernel", "ra"].flatMap((protocol) => [
    `route flush proto ${protocol}`,
    `-6 route flush proto ${protocol}`,
  ]),
  "route flush table 1000",
  "-6 route flush table 1000",
];

/** After these a name may mean another device, or none. */
const renumbers = /^link (del|set \S+ (name|netns))\b/;

/** The namespace; there is one for each process. */
export class WalkWorld implements Disposable {
  readonly #ip = new IpBatch([]);
  readonly #ip6 = new IpBatch(["-6"]);
  #other: Deno.ChildProcess | null = null;
  #beside = 0;
  /** How many command lines of walks were run, and how many of them the kernel refused. */
  lines = 0;
  failures = 0;

  /** Makes the devices, and whatever an earlier walk left undone. */
  begin(sysctls: Sysctls, beside: number): void {
    const counted = [this.lines, this.failures] as const;
    this.end();
    for (const device of ["all", "default"]) this.#sysctl(`ipv6/conf/${device}/accept_dad`, 0);
    this.#sysctl("ipv6/conf/default/router_solicitations", 0);
    for (const [path, value] of Object.entries(sysctls)) this.#sysctl(path, value);
    this.#setBeside(beside);
    this.run(setUp);
    [this.lines, this.failures] = counted;
  }

  /** Takes down what a walk may have left, but for the big table. */
  end(): void {
    this.run(cleanUp);
    this.#other?.kill("SIGKILL");
    this.#other = null;
  }

  /** Runs command lines one after the other, whatever comes of each; returns when the kernel has done them. */
  run(lines: readonly string[]): void {
    let rest = lines.map((line) => line.replace("@OTHER", () => `${this.#otherPid()}`));
    while (rest.length > 0) {
      const isSix = rest[0]?.startsWith("-6 ") ?? false;
      const other = rest.findIndex((line) => line.startsWith("-6 ") !== isSix);
      const run = other < 0 ? rest : rest.slice(0, other);
      rest = rest.slice(run.length);
      this.lines += run.length;
      this.failures += isSix ? this.#ip6.run(run.map((line) => line.slice(3))) : this.#ip.run(run);
      if (run.some((line) => renumbers.test(line))) { for (const ip of [this.#ip, this.#ip6]) ip.forget(); }
    }
  }

  [Symbol.dispose](): void {
    this.end();
    this.#ip[Symbol.dispose]();
    this.#ip6[Symbol.dispose]();
  }

  #sysctl(path: string, value: number): void {
    Deno.writeTextFileSync(`/proc/sys/net/${path}`, `${value}`);
  }

  /** Routes that no walk touches: before, between and behind those that it does. */
  #setBeside(count: number): void {
    const [least, most] = [Math.min(count, this.#beside), Math.max(count, this.#beside)];
    const verb = count > this.#beside ? "add" : "del";
    this.#ip.runMany(Array.from({ length: most - least }, (_, index) => {
      return `route ${verb} blackhole ${prefixBeside(least + index)} proto ${bigProtocol}`;
    }));
    this.#beside = count;
  }

  /** A process in another namespace, which goes with its walk. */
  #otherPid(): number {
    this.#other ??= new Deno.Command("unshare", { args: ["--net", "sleep", "3600"], stdin: "null" }).spawn();
    const { pid } = this.#other;
    const namespace = Deno.readLinkSync("/proc/self/ns/net");
    while (Deno.readLinkSync(`/proc/${pid}/ns/net`) === namespace);
    return pid;
  }
}

/** Four of ten below the IPv4 prefixes of walks, four above them, one each below and above the IPv6 prefixes. */
function prefixBeside(index: number): string {
  const at = Math.floor(index / 10), side = index % 10;
  if (side >= 8) return `2001:db${side === 8 ? 7 : 9}:${at.toString(16)}::/48`;
  const number = at * 4 + side % 4;
  return `${side < 4 ? 11 : 100}.${number >> 8}.${number & 255}.0/24`;
}
