import assert from "node:assert/strict";
import { describeRoute, routeCells, routeDocument, verdictLines } from "../../../src/cli/route_report.ts";
import { alignColumns } from "../../../src/cli/text_table.ts";
import { kernelRoute } from "../../fakes/kernel_routes.ts";
import { smallJudge } from "../../fakes/policies.ts";

const verdicts = smallJudge().verdicts([
  kernelRoute("198.51.100.0/24", {
    legs: [
      { via: "10.0.0.9", weight: 2 },
      { via: "10.0.0.9", dev: "br100" },
      { via: "10.0.0.10", encapsulation: "mpls" },
      { dev: "wg0" },
    ],
    metric: 10,
  }),
  kernelRoute("198.51.100.0/24", { type: 6, protocol: 12, table: 100, metric: 32 }),
  kernelRoute("198.51.100.0/24", { via: "10.0.0.9", encapsulation: "ip", metric: 50 }),
]);

Deno.test("routeDocument() has the contract's keys and no other", () => {
  assert.deepEqual(verdicts.map(routeDocument), [
    {
      prefix: "198.51.100.0/24",
      protocol: "bgp",
      table: 254,
      metric: 10,
      nexthops: [
        { gateway: "10.0.0.9", interface: "eth0", weight: 2, encapsulation: null, to: "gateway", why: null },
        {
          gateway: "10.0.0.9",
          interface: "br100",
          weight: 1,
          encapsulation: null,
          to: "self",
          why: "other-device",
        },
        {
          gateway: "10.0.0.10",
          interface: "eth0",
          weight: 1,
          encapsulation: "mpls",
          to: "self",
          why: "encapsulation",
        },
        { gateway: null, interface: "wg0", weight: 1, encapsulation: null, to: null, why: "no-gateway" },
      ],
      verdict: "wanted",
      reason: null,
    },
    {
      prefix: "198.51.100.0/24",
      protocol: "bird",
      table: 100,
      metric: 32,
      nexthops: [],
      verdict: "dropped",
      reason: "other-table",
    },
    {
      prefix: "198.51.100.0/24",
      protocol: "bgp",
      table: 254,
      metric: 50,
      nexthops: [{
        gateway: "10.0.0.9",
        interface: "eth0",
        weight: 1,
        encapsulation: "ip",
        to: null,
        why: null,
      }],
      verdict: "dropped",
      reason: "shadowed",
    },
  ]);
});

Deno.test("routeCells() says what is not as on an ordinary leg", () => {
  assert.deepEqual(verdicts.map(routeCells), [
    [
      "198.51.100.0/24",
      "bgp",
      "main",
      "10",
      "10.0.0.9%eth0, 10.0.0.9%br100 (this VM), 10.0.0.10%eth0 (encap mpls, this VM), on link%wg0",
      "wanted",
    ],
    ["198.51.100.0/24", "bird", "100", "32", "blackhole", "dropped: other-table"],
    ["198.51.100.0/24", "bgp", "main", "50", "10.0.0.9%eth0 (encap ip)", "dropped: shadowed"],
  ]);
});

Deno.test("verdictLines() says of each leg where packets go, and why", () => {
  assert.deepEqual(verdicts.flatMap(verdictLines), [
    "wanted",
    "  10.0.0.9%eth0: next hop is the gateway",
    "  10.0.0.9%br100: next hop is this VM, other-device: the leg leaves by a device that has no address of this VM on " +
    "the cloud network",
    "  10.0.0.10%eth0: next hop is this VM, encapsulation: packets leave wrapped, so that they do not reach the gateway " +
    "as they are",
    "  on link%wg0: does not count, no-gateway: it has no gateway: the network is on the link (-interface takes routes " +
    "out of a device)",
    "dropped, other-table: it stands in a kernel table that is not read (-table)",
    "dropped, shadowed: another route for the same prefix has a lower metric, or is listed first",
  ]);
});

Deno.test("describeRoute() says a route as ip route does", () => {
  const cases: readonly (readonly [Parameters<typeof kernelRoute>[1], string])[] = [
    [{ via: "10.0.0.9" }, "192.0.2.0/24 via 10.0.0.9 dev eth0 proto bgp metric 20 table main"],
    [
      { via: "10.0.0.9", encapsulation: "ip" },
      "192.0.2.0/24 encap ip via 10.0.0.9 dev eth0 proto bgp metric 20 table main",
    ],
    [{ via: "2001:db8::9" }, "192.0.2.0/24 via inet6 2001:db8::9 dev eth0 proto bgp metric 20 table main"],
    [{ dev: "wg0", protocol: 2, metric: 0 }, "192.0.2.0/24 dev wg0 proto kernel metric 0 table main"],
    [{ type: 6, protocol: 12, table: 7 }, "blackhole 192.0.2.0/24 proto bird metric 20 table 7"],
    [
      { legs: [{ via: "10.0.0.9", dead: true, linkDown: true }, { via: "10.0.0.10", linkDown: true }] },
      "192.0.2.0/24 via 10.0.0.9 dev eth0 dead, via 10.0.0.10 dev eth0 linkdown proto bgp metric 20 table main",
    ],
  ];
  for (const [parts, text] of cases) assert.equal(describeRoute(kernelRoute("192.0.2.0/24", parts)), text);
});

Deno.test("alignColumns() pads all but the last column and leaves no blanks at line ends", () => {
  assert.equal(
    alignColumns([["a", "bbb", "c"], ["aaa", "b"], ["", "", "x"]]),
    "a    bbb  c\naaa  b\n          x\n",
  );
  assert.equal(alignColumns([]), "");
});
