/** What Calico's confd makes of a node for its BIRD, in the words of BIRD 2: one pool without IP-in-IP, a mesh of all nodes. */

const system = 64_512;
const pool = "10.244.0.0/16";

/** A node of the mesh. */
export interface CalicoNode {
  readonly address: string;
  /** Its block of the pool. */
  readonly block: string;
}

/** The configuration of one node's BIRD. */
export function calicoConfiguration(own: CalicoNode, mesh: readonly CalicoNode[]): string {
  return [
    `router id ${own.address};`,
    "protocol device { scan time 2; }",
    'protocol direct { ipv4; interface -"cali*", "*"; }',
    `protocol static { ipv4; route ${own.block} blackhole; }`,
    // Of the own block the aggregate and nothing beneath it.
    `filter calico_export_to_bgp_peers {`,
    `  if (net = ${own.block}) then accept;`,
    `  if (net ~ ${own.block}) then reject;`,
    `  if (net ~ ${pool}) then accept;`,
    "  reject;",
    "}",
    "protocol kernel {",
    "  learn; persist; scan time 2; graceful restart; merge paths on;",
    "  ipv4 { import all; export all; };",
    "}",
    ...mesh.filter((node) => node !== own).flatMap((node) => [
      "protocol bgp {",
      `  local ${own.address} as ${system};`,
      `  neighbor ${node.address} as ${system};`,
      "  multihop; graceful restart; connect delay time 1; connect retry time 1; error wait time 1, 2;",
      // Either side would open its connection and abort the other's graceful restart.
      `  passive ${node.address > own.address ? "on" : "off"};`,
      "  ipv4 { gateway recursive; import all; export filter calico_export_to_bgp_peers; add paths on; };",
      "}",
    ]),
    "",
  ].join("\n");
}
