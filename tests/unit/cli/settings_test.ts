/** What flags mean: defaults as the contract says, ranges, contradictions. */

import assert from "node:assert/strict";
import { cloudsOfFlag } from "../../../src/clouds/registry.ts";
import { flags } from "../../../src/cli/flags.ts";
import { errorsOf, settingsOf } from "../../fakes/command_lines.ts";

Deno.test("readSettings() without flags is the contract's default", () => {
  assert.deepEqual(settingsOf(""), {
    cloud: null,
    event: false,
    debug: false,
    redumpMs: 10_000,
    policy: {
      tables: [254],
      protocols: null,
      filter: [],
      interfaces: new Set(),
      blackhole: false,
      ipv6: false,
      allowDefault: false,
      allowLocal: false,
    },
    self: [],
    podNetworks: { given: [], node: null },
    sync: {
      coalesceMs: 10,
      withdrawDelayMs: 250,
      auditMs: 10_000,
      guard: { maxWithdraw: 0.3, holdMs: 120_000 },
      adopt: false,
      group: { peers: [], rank: null, activeAddress: null },
    },
    peerProbe: null,
    owner: "cloudroutesync",
    sharedOwner: true,
    routeTables: [],
    stateFolder: null,
    withdrawOnExit: false,
    output: "text",
    logFormat: "text",
    listen: null,
    listenTokenFile: null,
    listenHosts: [],
    count: false,
    listDropped: false,
    watch: false,
    fix: false,
    printPolicy: false,
    noAssociate: false,
    noEcmp: false,
    localFile: "./cloudroutesync.local.json",
    cloudFlags: {
      router: null,
      osCloud: null,
      priority: 1000,
      instanceTags: [],
      nextHopIlb: null,
      localFile: "./cloudroutesync.local.json",
      localLatencyMs: 0,
      localFaults: 0,
      azureEndpoint: null,
      gcpEndpoint: null,
      imdsEndpoint: null,
    },
  });
});

Deno.test("readSettings() takes token and names of -listen only with it, and no port in a name", () => {
  const { listenTokenFile, listenHosts } = settingsOf(
    "-listen :9100 -listen-token-file /etc/token -listen-host a.example,b",
  );
  assert.deepEqual([listenTokenFile, listenHosts], ["/etc/token", ["a.example", "b"]]);
  assert.deepEqual(errorsOf("-listen-token-file /etc/token"), [
    "-listen-token-file has no meaning without -listen",
  ]);
  assert.match(errorsOf("-listen :9100 -listen-host a.example:9100")[0] ?? "", /without a port$/);
});

Deno.test("readSettings() audits every 300 s in event mode, and every -sync in periodic mode", () => {
  assert.equal(settingsOf("-event").sync.auditMs, 300_000);
  assert.equal(settingsOf("-event -sync 5").sync.auditMs, 300_000);
  assert.equal(settingsOf("-sync 5").sync.auditMs, 5000);
  assert.equal(settingsOf("-audit 7s").sync.auditMs, 10_000);
});

Deno.test("readSettings() takes the original's -netlink and -sync as seconds", () => {
  const settings = settingsOf("-netlink 10 -sync 20");
  assert.deepEqual([settings.redumpMs, settings.sync.auditMs], [10_000, 20_000]);
});

Deno.test("readSettings() lets the last of several values count", () => {
  assert.equal(settingsOf("-cloud aws -cloud gcp").cloud, "gcp");
});

Deno.test("readSettings() takes lists by repetition and by comma", () => {
  assert.deepEqual(settingsOf("-table 100 -table main,4294967295").policy.tables, [100, 254, 4294967295]);
  assert.deepEqual([...settingsOf("-protocol bgp,12 -protocol BIRD").policy.protocols ?? []], [186, 12]);
  assert.deepEqual([...settingsOf("-interface wg0,wg1").policy.interfaces], ["wg0", "wg1"]);
});

Deno.test("readSettings() keeps -include and -exclude in the order given", () => {
  const filter =
    settingsOf("-exclude 10.1.0.0/16 -include 10.0.0.0/8_ge_16_le_24 -exclude 0.0.0.0/0+").policy.filter;
  assert.deepEqual(filter.map(({ action, range }) => `${action} ${range.text}`), [
    "exclude 10.1.0.0/16",
    "include 10.0.0.0/8 ge 16 le 24",
    "exclude 0.0.0.0/0+",
  ]);
});

Deno.test("readSettings() reads an address and its subnet from -self, one a family", () => {
  const { self } = settingsOf("-self 10.0.1.20/24,2001:db8::4/64");
  assert.deepEqual(self.map(({ address, subnet }) => `${address.text} ${subnet.text}`), [
    "10.0.1.20 10.0.1.0/24",
    "2001:db8::4 2001:db8::/64",
  ]);
});

Deno.test("readSettings() takes every address of a subnet that has none of its own", () => {
  for (const text of ["10.0.0.0/31", "10.0.0.1/31", "10.0.0.0/32", "10.0.0.255/32"]) {
    assert.equal(settingsOf(`-self ${text}`).self.length, 1, text);
  }
  for (const text of ["2001:db8::/127", "2001:db8::/128", "2001:db8::ff:ffff:ffff:ffff/64"]) {
    assert.equal(settingsOf(`-ipv6 -self 10.0.0.4/24,${text}`).self.length, 2, text);
  }
});

Deno.test("readSettings() takes -self of either family or both, whatever -ipv6 says", () => {
  assert.equal(settingsOf("-self 10.0.0.4/24 -self 2001:db8::4/64").self.length, 2);
  assert.equal(settingsOf("-ipv6 -self 10.0.0.4/24").self.length, 1);
  assert.equal(settingsOf("-self 2001:db8::4/64").self.length, 1);
});

Deno.test("readSettings() reads the listening address in each form", () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ["127.0.0.1:9100", "127.0.0.1", 9100],
    [":9100", "0.0.0.0", 9100],
    ["[::1]:9100", "::1", 9100],
    ["localhost:0", "localhost", 0],
  ];
  for (const [text, hostname, port] of cases) {
    assert.deepEqual(settingsOf(`-listen ${text}`).listen, { hostname, port });
  }
});

Deno.test("readSettings() takes -max-withdraw in per cent, with the sign or without", () => {
  assert.equal(settingsOf("-max-withdraw 0").sync.guard.maxWithdraw, 0);
  assert.equal(settingsOf("-max-withdraw 45%").sync.guard.maxWithdraw, 0.45);
  assert.equal(settingsOf("-max-withdraw 100").sync.guard.maxWithdraw, 1);
});

Deno.test("readSettings() takes a boolean's value as Go does", () => {
  for (const text of ["true", "TRUE", "True", "t", "1"]) {
    assert.equal(settingsOf(`-ipv6=${text}`).policy.ipv6, true);
  }
  for (const text of ["false", "F", "0"]) assert.equal(settingsOf(`-ipv6=${text}`).policy.ipv6, false);
});

/** A command line and the one error that it gets. */
const bad: readonly (readonly [string, string])[] = [
  ["-cloud ibm", '-cloud: "ibm" is not one of azure, aws, gcp, openstack, local'],
  ["plan -output xml", '-output: "xml" is not one of text, json'],
  ["-log-format xml", '-log-format: "xml" is not one of text, json'],
  ["-ipv6=maybe", '-ipv6: "maybe" is neither true nor false'],
  ["-event=yes", '-event: "yes" is neither true nor false'],
  ["-max-withdraw 101", '-max-withdraw: "101" is not a whole number from 0 to 100'],
  ["-max-withdraw -1", '-max-withdraw: "-1" is not a whole number from 0 to 100'],
  ["-priority 65536 -cloud gcp", '-priority: "65536" is not a whole number from 0 to 65535'],
  ["-local-faults 1.5", '-local-faults: "1.5" is not a number from 0 to 1'],
  ["-table 0", '-table: "0" is neither main, default or local nor a number from 1 to 4294967295'],
  [
    "-table 4294967296",
    '-table: "4294967296" is neither main, default or local nor a number from 1 to 4294967295',
  ],
  ["-protocol bpg", '-protocol: "bpg" is neither a routing protocol\'s name nor a number from 0 to 255'],
  ["-protocol 256", '-protocol: "256" is neither a routing protocol\'s name nor a number from 0 to 255'],
  [
    "-include 10.0.0.1/8",
    '-include: Cannot parse prefix "10.0.0.1/8": host bits are set, did you mean 10.0.0.0/8?',
  ],
  ["-exclude 10.0.0.0/33", '-exclude: Cannot parse prefix "10.0.0.0/33": length is over 32'],
  [
    "-owner My.Name",
    '-owner: "My.Name" is not a name of 1 to 31 lower-case letters, digits and dashes that begins with a letter',
  ],
  ["-self 10.0.0.4/64", '-self: Cannot parse interface address "10.0.0.4/64": length is over 32'],
  ["-self 10.0.0.1", '-self: "10.0.0.1" has no length: it is ADDRESS/LEN, as in 10.0.0.4/24'],
  [
    "-self 127.0.0.1/8",
    '-self: "127.0.0.1/8" cannot be the address of a VM: it lies in the reserved range 127.0.0.0/8',
  ],
  [
    "-self 0.0.0.0/24",
    '-self: "0.0.0.0/24" cannot be the address of a VM: it lies in the reserved range 0.0.0.0/8',
  ],
  [
    "-self 224.0.0.5/24",
    '-self: "224.0.0.5/24" cannot be the address of a VM: it lies in the reserved range 224.0.0.0/3',
  ],
  [
    "-self 10.0.0.4/24,fe80::1/64",
    '-self: "fe80::1/64" cannot be the address of a VM: it lies in the reserved range fe80::/10',
  ],
  [
    "-self 10.0.0.0/24",
    '-self: "10.0.0.0/24" cannot be the address of a VM: it is that of the subnet itself',
  ],
  [
    "-self 10.0.0.4/24,2001:db8::/64",
    '-self: "2001:db8::/64" cannot be the address of a VM: it is that of the subnet itself',
  ],
  [
    "-self 10.0.0.255/24",
    '-self: "10.0.0.255/24" cannot be the address of a VM: it is the broadcast address of its subnet',
  ],
  ["-self 10.0.0.1/0", '-self: "10.0.0.1/0" names no subnet of a VM: 0.0.0.0/0 is a default route'],
  [
    "-self 10.0.0.4/24 -self 10.0.1.4/24",
    "Flag -self names two IPv4 addresses, 10.0.0.4 and 10.0.1.4: give it one per family",
  ],
  ["-cloud local -local-file=", "-local-file: the name of a file is empty"],
  ["-listen 9100", '-listen: "9100" is not ADDRESS:PORT, [ADDRESS]:PORT or :PORT'],
  ["-listen :70000", '-listen: "70000" is not a whole number from 0 to 65535'],
  ["-cloud gcp -gcp-endpoint ftp://x", '-gcp-endpoint: "ftp://x" is not an http or https address'],
  [
    "-netlink 0",
    "Flag -netlink 0 needs -event: without events the kernel's table would never be read again",
  ],
  ["-cloud aws -priority 5", "-priority has no meaning with -cloud aws: it is for gcp"],
  ["-cloud aws -local-file f", "-local-file has no meaning with -cloud aws: it is for local"],
  [
    "-cloud local -route-table t",
    "-route-table has no meaning with -cloud local: it is for azure, aws, gcp, openstack",
  ],
];

for (const [text, error] of bad) {
  Deno.test(`readSettings() refuses ${text}`, () => assert.deepEqual(errorsOf(text), [error]));
}

Deno.test("readSettings() refuses a device name that the kernel could not have", () => {
  const most = "a".repeat(127);
  assert.match(errorsOf(`-interface ${most}a`).join(), /is not a device name of 1 to 127 characters/);
  assert.match(errorsOf("-interface a/b").join(), /is not a device name/);
  assert.deepEqual(errorsOf(`-interface ${most}`), [], "an alternative name");
});

Deno.test("readSettings() refuses periods that would hammer kernel or cloud", () => {
  assert.match(errorsOf("-sync 0").join(), /^-sync: "0" is shorter than /);
  assert.match(errorsOf("-event -audit 10ms").join(), /^-audit: "10ms" is shorter than 1000 ms$/);
});

Deno.test("readSettings() takes 0 for what may be no time at all", () => {
  const { sync } = settingsOf("-coalesce 0 -withdraw-delay 0 -hold 0");
  assert.deepEqual([sync.coalesceMs, sync.withdrawDelayMs, sync.guard.holdMs], [0, 0, 0]);
  assert.equal(settingsOf("-event -netlink 0").redumpMs, 0);
});

Deno.test("readSettings() tells all errors at once, with the place each came from", () => {
  const sources = {
    environment: { CLOUDROUTESYNC_HOLD: "soon" },
    files: { "f.json": '{"table": ["main", "x"], "whatever": 1}' },
  };
  assert.deepEqual(errorsOf("-foo -cloud ibm -include nonsense -config f.json", sources), [
    "Unknown flag -foo",
    'Unknown flag "whatever" in f.json',
    '-cloud: "ibm" is not one of azure, aws, gcp, openstack, local',
    '"table" in f.json: "x" is neither main, default or local nor a number from 1 to 4294967295',
    '-include: Cannot parse prefix "nonsense": "nonsense" is not an IP address',
    'CLOUDROUTESYNC_HOLD: Cannot parse duration "soon": it is neither a number of seconds nor like 250ms, 5s or 2m',
  ]);
});

Deno.test("every flag's documented default is what readSettings() takes when the flag is given with it", () => {
  const byDefault = settingsOf("");
  for (const flag of flags) {
    if (flag.default === "" || flag.name === "state" || flag.kind === "boolean") continue;
    const [cloud] = cloudsOfFlag(flag.name) ?? [];
    const given = settingsOf(
      `${flag.name === "output" ? "plan " : ""}-${flag.name} ${flag.default}${
        cloud === undefined ? "" : ` -cloud ${cloud}`
      }`,
    );
    assert.deepEqual({ ...given, cloud: null }, byDefault, flag.name);
  }
});

Deno.test("readSettings() takes the routers of a group, each with its rank", () => {
  const { peers, rank, activeAddress } =
    settingsOf("-peer 10.0.0.11@20 -peer 10.0.0.12@30 -rank 10 -active-address 10.0.0.100").sync.group;
  assert.deepEqual(peers.map(({ address, rank }) => [address.text, rank]), [["10.0.0.11", 20], [
    "10.0.0.12",
    30,
  ]]);
  assert.equal(rank, 10);
  assert.equal(activeAddress?.text, "10.0.0.100");
});

Deno.test("readSettings() refuses ranks that only some routers know: two would each take what the other has", () => {
  assert.match(errorsOf("-peer 10.0.0.11 -rank 10").join(), /-rank needs the rank of each peer/);
  assert.match(errorsOf("-peer 10.0.0.11@20").join(), /-rank needs the rank of each peer/);
  assert.match(
    errorsOf("-peer 10.0.0.11@20 -peer 10.0.0.12 -rank 1").join(),
    /-rank needs the rank of each peer/,
  );
  assert.match(errorsOf("-rank 10").join(), /-rank needs -peer/);
});

Deno.test("readSettings() tells what is wrong with a peer", () => {
  assert.match(errorsOf("-peer router-b").join(), /-peer: .*router-b/);
  assert.match(
    errorsOf("-peer 10.0.0.11@x -rank 1").join(),
    /rank "x" is not a whole number from 0 to 65535/,
  );
  assert.match(errorsOf("-peer 10.0.0.11@1@2").join(), /"10.0.0.11@1@2" is neither ADDRESS nor ADDRESS@RANK/);
});

Deno.test("readSettings() takes -peer-probe as tcp:PORT or icmp, and nothing else", () => {
  assert.deepEqual(settingsOf("-peer-probe tcp:179").peerProbe, { by: "tcp", port: 179 });
  assert.deepEqual(settingsOf("-peer-probe icmp").peerProbe, { by: "icmp" });
  for (const text of ["tcp", "tcp:", "tcp:0", "tcp:65536", "udp:1", "ICMP"]) {
    assert.deepEqual(errorsOf(`-peer-probe ${text}`), [
      `-peer-probe: "${text}" is neither tcp:PORT, with a port from 1 to 65535, nor icmp`,
    ]);
  }
});
