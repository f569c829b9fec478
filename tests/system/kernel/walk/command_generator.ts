/**
 * Random `ip` commands over a small world, in which the same prefixes, keys, gateways and devices meet again and again. Many fail; those
 * that do not make every kind of route that Linux holds, and take it away again.
 *
 * A line that begins with `-6` is for `ip -6 -batch`, all others are for `ip -batch`; `@OTHER` is a process in another namespace.
 */

import type { Random } from "./random.ts";

type Family = 4 | 6;

/** Per family: what routes are made of. */
interface Vocabulary {
  readonly prefixes: readonly string[];
  readonly gateways: readonly { readonly via: string; readonly dev: string }[];
  readonly sources: readonly string[];
  readonly encapsulations: readonly string[];
  readonly objects: readonly number[];
  readonly group: number;
}

const vocabulary: Readonly<Record<Family, Vocabulary>> = {
  4: {
    prefixes: ["20.0.1.0/24", "20.0.1.0/24", "20.0.2.0/24", "default"],
    gateways: [
      { via: "10.0.0.2", dev: "a0" },
      { via: "10.0.0.3", dev: "a0" },
      { via: "10.0.1.2", dev: "b0" },
      { via: "10.0.2.2", dev: "c0" },
    ],
    sources: ["10.0.0.1", "10.0.0.9", "10.0.1.1"],
    encapsulations: [
      "encap ip id 1 dst 192.0.2.1",
      "encap ip id 2 dst 192.0.2.1",
      "encap seg6 mode encap segs fc00::1",
    ],
    objects: [1, 2, 3],
    group: 7,
  },
  6: {
    prefixes: ["2001:db8:a::/48", "2001:db8:a::/48", "2001:db8:b::/48", "default"],
    gateways: [
      { via: "2001:db8::2", dev: "a0" },
      { via: "2001:db8::3", dev: "a0" },
      { via: "2001:db8:1::2", dev: "b0" },
      { via: "fe80::2", dev: "a0" },
    ],
    sources: ["2001:db8::1", "2001:db8::9"],
    encapsulations: [
      "encap ip6 id 1 dst fc00::1",
      "encap ip6 id 2 dst fc00::1",
      "encap seg6 mode encap segs fc00::1",
      "encap seg6 mode inline segs fc00::2",
    ],
    objects: [4, 5, 6],
    group: 8,
  },
};

const protocols = ["bgp", "bird", "static", "dhcp", "kernel", "ra"];

const linkLines: readonly string[] = [
  "link set a0 down",
  "link set a0 up",
  "link set a0 up",
  "link set a1 down",
  "link set a1 up",
  "link set a1 up",
  "link set b0 down",
  "link set b0 up",
  "link set b0 up",
  "link set b1 down",
  "link set b1 up",
  "link set b1 up",
  "link set b0 mode dormant",
  "link set b0 mode default",
  "link set br0 down",
  "link set br0 up",
  "link set d0 down",
  "link set d0 up",
  "link set d0 up",
  "link set d1 down",
  "link set d1 up",
  "link del d0",
  "link add d0 type veth peer name d1",
  "link add c0 type veth peer name c1",
  "link add c0 type veth peer name c1",
  "address add 10.0.2.1/24 dev c0",
  "address add 10.0.2.1/24 dev c9",
  "link set c0 up",
  "link set c0 up",
  "link set c1 up",
  "link set c1 up",
  "link set c9 up",
  "link set c0 name c9",
  "link set c9 name c0",
  "link del c0",
  "link del c9",
  "link set c0 netns @OTHER",
  "link set c1 netns @OTHER",
  "link property add dev b0 altname other0",
  "link property del dev b0 altname other0",
];

const addressLines: readonly string[] = [
  "address add 10.0.0.9/24 dev a0",
  "address del 10.0.0.9/24 dev a0",
  "address del 10.0.0.1/24 dev a0",
  "address add 10.0.0.1/24 dev a0",
  "address add 10.0.0.1/24 dev a0",
  "address add 10.0.0.1/24 dev a0",
  "address add 10.0.1.1/24 dev b0",
  "address del 10.0.1.1/24 dev b0",
  "address add 10.0.1.1/24 dev b0",
  "address add 2001:db8::1/64 dev a0 nodad",
  "address add 2001:db8::1/64 dev a0 nodad",
  "address add 2001:db8::9/64 dev a0 nodad noprefixroute",
  "address del 2001:db8::9/64 dev a0",
  "address del 2001:db8::1/64 dev a0",
  "address add 2001:db8:1::1/64 dev b0 nodad",
  "address del 2001:db8:1::1/64 dev b0",
  "address change 2001:db8::1/64 dev a0 preferred_lft 0",
  "address change 2001:db8::1/64 dev a0 preferred_lft forever",
];

const flushLines: readonly string[] = [
  "route flush table 1000",
  "-6 route flush table 1000",
  "route flush proto bgp",
  "-6 route flush proto bgp",
  "nexthop flush",
];

/** Without these a walk would end where nothing can be reached any more. */
const healLines: readonly string[] = [
  "link set a0 up",
  "link set b1 up",
  "link set b0 up",
  "link set br0 up",
  "link add d0 type veth peer name d1",
  "link set d1 up",
  "link set d0 up",
  "address add 10.0.0.1/24 dev a0",
  "address add 10.0.1.1/24 dev b0",
  "address add 2001:db8::1/64 dev a0 nodad",
  "address add 2001:db8:1::1/64 dev b0 nodad",
];

/** What was drawn for a route before, to be met again. */
interface Drawn {
  readonly family: Family;
  readonly prefix: string;
  readonly type: string;
  /** Table, metric and TOS. */
  readonly key: readonly string[];
  /** Protocol and attributes. */
  readonly extras: readonly string[];
  /** How it leaves. */
  readonly way: readonly string[];
}

/** Draws commands; what they are depends on the generator of randomness alone. */
export class CommandGenerator {
  readonly #random: Random;
  readonly #drawn: Drawn[] = [];
  readonly #queue: string[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** The next command line. */
  next(): string {
    const random = this.#random;
    const queued = this.#queue.shift();
    if (queued !== undefined) return queued;
    const kind = random.weighted({ route: 740, nexthop: 120, link: 70, address: 50, flush: 8, heal: 12 });
    switch (kind) {
      case "route":
        return this.#route();
      case "nexthop":
        return this.#nextHop(random.chance(50) ? 4 : 6);
      case "link":
        return random.pick(linkLines);
      case "address":
        return random.pick(addressLines);
      case "flush":
        return random.pick(flushLines);
      case "heal":
        this.#queue.push(...healLines);
        return "link set a1 up";
    }
  }

  #route(): string {
    const random = this.#random;
    const verb = random.weighted({ add: 4, append: 7, prepend: 2, replace: 5, change: 1, del: 7 });
    const drawn = this.#draw();
    const { family, prefix, type } = drawn;
    if (verb !== "del") this.#drawn.push(drawn);
    const fewer = verb === "del" && random.chance(50);
    const words = fewer ? this.#fewer(drawn) : [...drawn.key, ...drawn.extras, ...drawn.way];
    const kind = type === "unicast" || (fewer && random.chance(50)) ? [] : [type];
    const line = ["route", verb, ...kind, prefix, ...words].join(" ");
    return family === 6 && prefix === "default" ? `-6 ${line}` : line;
  }

  /** What was drawn before, the same with something changed, or new. */
  #draw(): Drawn {
    const random = this.#random;
    const recent = this.#drawn.slice(-12);
    if (recent.length === 0 || random.chance(35)) return this.#drawNew(random.chance(50) ? 4 : 6);
    const earlier = random.pick(recent);
    const other = this.#drawNew(earlier.family);
    switch (random.weighted({ same: 50, key: 25, extras: 25 })) {
      case "same":
        return earlier;
      case "key":
        return { ...other, prefix: earlier.prefix, key: earlier.key };
      case "extras":
        return { ...earlier, extras: other.extras };
    }
  }

  #drawNew(family: Family): Drawn {
    const random = this.#random;
    const type = random.weighted({ unicast: 80, blackhole: 6, unreachable: 6, prohibit: 4, throw: 4 });
    return {
      family,
      prefix: random.pick(vocabulary[family].prefixes),
      type,
      key: [
        ...(random.chance(15) ? ["table", "1000"] : []),
        ...(random.chance(40) ? ["metric", random.pick(["10", "20", "1024"])] : []),
        ...(family === 4 && random.chance(8) ? ["tos", "4"] : []),
      ],
      extras: this.#drawExtras(family),
      way: type === "unicast" ? this.#drawWay(family) : [],
    };
  }

  #drawExtras(family: Family): string[] {
    const random = this.#random;
    return [
      ...(random.chance(40) ? ["proto", random.pick(protocols)] : []),
      ...(random.chance(12) ? ["mtu", random.pick(["1400", "1300"])] : []),
      ...(random.chance(8) ? ["src", random.pick(vocabulary[family].sources)] : []),
      ...(family === 4 && random.chance(8) ? ["realm", random.pick(["5", "6"])] : []),
      ...(random.chance(4) ? ["advmss", "1000"] : []),
      // One lifetime only: a shorter one the kernel gives to a route that is there without a word, and no dump is due before the longer ends.
      ...(family === 6 && random.chance(3) ? ["expires", "1"] : []),
      ...(family === 6 && random.chance(4) ? ["pref", random.pick(["high", "low"])] : []),
    ];
  }

  /** How a unicast route leaves. */
  #drawWay(family: Family): string[] {
    const random = this.#random;
    const { gateways, encapsulations, objects, group } = vocabulary[family];
    const gateway = random.pick(gateways);
    const form = random.weighted({
      gateway: 40,
      device: 8,
      onlink: 8,
      bridge: 4,
      encap: 10,
      object: 14,
      multipath: 16,
      otherFamily: family === 4 ? 5 : 0,
    });
    const via = gateway.via.startsWith("fe80") || random.chance(50)
      ? ["via", gateway.via, "dev", gateway.dev]
      : ["via", gateway.via];
    switch (form) {
      case "gateway":
        return via;
      case "device":
        // One of two is a device without an address, as a pod's is.
        return ["dev", random.chance(50) ? gateway.dev : "d0"];
      case "onlink":
        return ["via", gateway.via, "dev", gateway.dev, "onlink"];
      case "bridge":
        return ["via", gateway.via, "dev", "br0", "onlink"];
      case "encap":
        return [...random.pick(encapsulations).split(" "), "via", gateway.via, "dev", gateway.dev];
      case "object":
        return ["nhid", `${random.chance(25) ? group : random.pick(objects)}`];
      case "multipath":
        return this.#multipath(family);
      case "otherFamily":
        return ["dev", "a0", "via", "inet6", random.pick(["2001:db8::2", "fe80::2"])];
    }
  }

  #multipath(family: Family): string[] {
    const random = this.#random;
    const { gateways, encapsulations } = vocabulary[family];
    return Array.from({ length: random.between(1, 3) }, () => {
      const { via, dev } = random.pick(gateways);
      return [
        "nexthop",
        ...(random.chance(10) ? random.pick(encapsulations).split(" ") : []),
        "via",
        via,
        "dev",
        dev,
        ...(random.chance(30) ? ["weight", random.pick(["2", "3"])] : []),
        ...(family === 4 && random.chance(8) ? ["realm", "5"] : []),
        ...(random.chance(10) ? ["onlink"] : []),
      ];
    }).flat();
  }

  /** As `ip route del` is mostly called: by some of the words that the route was made with. */
  #fewer({ key, extras, way }: Drawn): string[] {
    const isPairs = way[0] !== "nexthop" && way[0] !== "encap" && !way.includes("inet6");
    const simple = isPairs ? way.filter((word) => word !== "onlink") : [];
    const words = [...key, ...extras, ...simple];
    const pairs = Array.from(
      { length: words.length / 2 },
      (_, index) => words.slice(index * 2, index * 2 + 2),
    );
    return pairs.filter(([word]) => word === "table" || this.#random.chance(40)).flat();
  }

  #nextHop(family: Family): string {
    const random = this.#random;
    const { objects, group, gateways, encapsulations } = vocabulary[family];
    const isGroup = random.chance(30);
    const id = isGroup ? group : random.pick(objects);
    const verb = random.weighted({ add: 5, replace: 4, del: 3 });
    if (verb === "del") return `nexthop del id ${id}`;
    if (isGroup) {
      const members = random.pick([objects.slice(0, 1), objects.slice(0, 2), objects.slice(1), objects]);
      const list = members.map((member) => `${member}${random.chance(30) ? ",3" : ""}`).join("/");
      return `nexthop ${verb} id ${id} group ${list}`;
    }
    const { via, dev } = random.pick(gateways);
    const way = random.weighted({ via: 70, encap: 12, device: 8, blackhole: 10 });
    const prefix = family === 6 && (way === "blackhole" || way === "device") ? "-6 " : "";
    const words = {
      via: `via ${via} dev ${dev}`,
      encap: `${random.pick(encapsulations)} via ${via} dev ${dev}`,
      device: `dev ${dev}`,
      blackhole: "blackhole",
    }[way];
    return `${prefix}nexthop ${verb} id ${id} ${words}`;
  }
}
