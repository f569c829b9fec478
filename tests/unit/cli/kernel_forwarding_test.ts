import assert from "node:assert/strict";
import type { Finding } from "../../../src/clouds/cloud.ts";
import { kernelForwarding } from "../../../src/cli/kernel_forwarding.ts";

const v4 = "/proc/sys/net/ipv4";
const v6 = "/proc/sys/net/ipv6/conf";

/** By family what the kernel's files say, and the verdict of it. */
const rows: readonly (readonly [
  family: 4 | 6,
  files: Readonly<Record<string, string>>,
  status: Finding["status"],
  said: RegExp,
])[] = [
  [
    4,
    { [`${v4}/ip_forward`]: "1", [`${v4}/conf/eth0/forwarding`]: "1" },
    "ok",
    /^net\.ipv4\.ip_forward is 1$/,
  ],
  [
    4,
    { [`${v4}/ip_forward`]: "0", [`${v4}/conf/eth0/forwarding`]: "0" },
    "bad",
    /sysctl -w net\.ipv4\.ip_forward=1/,
  ],
  [
    4,
    { [`${v4}/ip_forward`]: "1", [`${v4}/conf/eth0/forwarding`]: "0" },
    "bad",
    /comes in by eth0 is not forwarded.*sysctl -w net\.ipv4\.conf\.eth0\.forwarding=1/,
  ],
  [
    4,
    { [`${v4}/ip_forward`]: "0", [`${v4}/conf/eth0/forwarding`]: "1" },
    "ok",
    /conf\.eth0\.forwarding is 1/,
  ],
  [4, {}, "unknown", /ip_forward cannot be read/],
  [6, { [`${v6}/all/forwarding`]: "1" }, "ok", /all\.forwarding is 1/],
  [6, { [`${v6}/all/forwarding`]: "0" }, "bad", /sysctl -w net\.ipv6\.conf\.all\.forwarding=1/],
  [6, { [`${v6}/all/forwarding`]: "0", [`${v6}/eth0/force_forwarding`]: "1" }, "ok", /force_forwarding is 1/],
  [6, {}, "unknown", /all\.forwarding cannot be read/],
];

for (const [family, files, status, said] of rows) {
  Deno.test(`kernelForwarding() of IPv${family} with ${JSON.stringify(files)} is ${status}`, () => {
    const [finding, ...others] = kernelForwarding((path) => files[path] ?? null, [family], ["eth0"]);
    assert.deepEqual([finding?.status, others], [status, []]);
    assert.match(`${finding?.detail} ${finding?.remedy ?? ""}`.trim(), said);
  });
}

Deno.test("kernelForwarding() names a device with a dot in its name as sysctl(8) takes it", () => {
  const files: Readonly<Record<string, string>> = {
    [`${v4}/ip_forward`]: "1",
    [`${v4}/conf/eth0.7/forwarding`]: "0",
  };
  const [finding] = kernelForwarding((path) => files[path] ?? null, [4], ["eth0.7"]);
  assert.match(finding?.remedy ?? "", /^sysctl -w net\/ipv4\/conf\/eth0\.7\/forwarding=1/);
});

Deno.test("kernelForwarding() goes by ip_forward alone where no device is known", () => {
  const [finding] = kernelForwarding((path) => path.endsWith("ip_forward") ? "0" : null, [4], []);
  assert.equal(finding?.status, "bad");
});
