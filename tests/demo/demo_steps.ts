/** What happens in `deno task demo`: who changes the kernel's routes, and how the cloud's table must follow. */

/** The cloud's table: next hop by prefix. */
export type CloudTable = ReadonlyMap<string, string>;

/** One step of the show. */
export interface Step {
  /** Who acts, and what it does. */
  readonly who: string;
  readonly what: string;
  /** What is done to the kernel, as `ip` commands without the word `ip`. */
  readonly commands: readonly string[];
  /** Whether the table is as it should be. */
  readonly done: (table: CloudTable) => boolean;
  /** What the program does in the cloud; what the table shows stands before it. */
  readonly note: string;
  /** How long to watch before looking, milliseconds: for what must not happen. */
  readonly watchMs?: number;
}

const pods = Array.from({ length: 20 }, (_, index) => `100.64.${index}.0/24`);
const withdrawn = "100.64.3.0/24";

/** All steps, in order. */
export const steps: readonly Step[] = [
  {
    who: "FRR",
    what: "learns 198.51.100.0/24 from 10.0.0.7",
    commands: ["route add 198.51.100.0/24 via 10.0.0.7 proto bgp metric 20"],
    done: (table) => table.get("198.51.100.0/24") === "10.0.0.7",
    note: "the neighbour itself",
  },
  {
    who: "FRR",
    what: "moves it to 10.0.0.8",
    commands: ["route replace 198.51.100.0/24 via 10.0.0.8 proto bgp metric 20"],
    done: (table) => table.get("198.51.100.0/24") === "10.0.0.8",
    note: "replaced in place",
  },
  {
    who: "FRR",
    what: "learns 203.0.113.0/24 through the tunnel",
    commands: ["route add 203.0.113.0/24 via 192.168.7.9 proto bgp metric 20"],
    done: (table) => table.get("203.0.113.0/24") === "10.0.0.2",
    note: "this VM has the tunnel",
  },
  {
    who: "a VPN client",
    what: "adds a default route",
    commands: ["route add default via 192.168.7.9 proto static metric 50"],
    done: (table) => !table.has("0.0.0.0/0"),
    watchMs: 300,
    note: "reason default-route",
  },
  {
    who: "Docker",
    what: "adds its bridge network 172.17.0.0/16",
    commands: [
      "link add docker0 type bridge",
      "link set docker0 up",
      "address add 172.17.0.1/16 dev docker0",
    ],
    done: (table) => !table.has("172.17.0.0/16"),
    watchMs: 300,
    note: "reason no-gateway",
  },
  {
    who: "BIRD",
    what: "adds 20 pod networks at once",
    commands: pods.map((prefix) => `route add ${prefix} via 10.0.0.7 proto bird`),
    done: (table) => pods.every((prefix) => table.get(prefix) === "10.0.0.7"),
    note: "one write",
  },
  {
    who: "BIRD",
    what: "withdraws one of them",
    commands: [`route del ${withdrawn}`],
    done: (table) => !table.has(withdrawn),
    note: "after 250 ms of quiet",
  },
  {
    who: "the tunnel",
    what: "goes down; no event for its route",
    commands: ["link set tun0 down"],
    done: (table) => !table.has("203.0.113.0/24"),
    note: "the table is read again",
  },
  {
    who: "the tunnel",
    what: "comes back, and FRR adds the route",
    commands: ["link set tun0 up", "route add 203.0.113.0/24 via 192.168.7.9 proto bgp metric 20"],
    done: (table) => table.get("203.0.113.0/24") === "10.0.0.2",
    note: "",
  },
  {
    who: "BIRD",
    what: "crashes: 11 of 22 routes are gone",
    commands: pods.slice(0, 12).filter((prefix) => prefix !== withdrawn).map((prefix) =>
      `route del ${prefix}`
    ),
    done: (table) => pods.filter((prefix) => table.has(prefix)).length === 19,
    watchMs: 2_000,
    note: "held for 120 s, too many at once",
  },
];
