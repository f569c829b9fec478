import assert from "node:assert/strict";
import { type Ec2NetworkInterface, parseNetworkInterfaces } from "../../../../src/clouds/aws/schemas.ts";
import type { Filter } from "../../../../src/clouds/aws/api.ts";
import { InterfaceLookup } from "../../../../src/clouds/aws/neighbours.ts";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";
import { parseAddress } from "../../../../src/routes/prefix.ts";

const signal = new AbortController().signal;

/** An EC2 that has these interfaces, delegated prefixes in the answers of DescribeInstances alone, and counts. */
function lookup(interfaces: readonly object[], delegated: readonly object[] = []): {
  readonly find: (...addresses: string[]) => Promise<readonly (string | null)[]>;
  readonly asked: Filter[][];
  readonly clock: { now: number };
  readonly subject: InterfaceLookup;
} {
  const asked: Filter[][] = [];
  const clock = { now: 0 };
  const answer = (found: readonly object[]) => (filters: Filter[]): Promise<Ec2NetworkInterface[]> => {
    asked.push(filters);
    return Promise.resolve(parseNetworkInterfaces(found));
  };
  const api = {
    findNetworkInterfaces: answer(interfaces),
    findInterfacesOfInstances: answer(delegated),
  };
  const subject = new InterfaceLookup(api, () => clock.now);
  const find = (...addresses: string[]): Promise<readonly (string | null)[]> =>
    subject.find(addresses.map(parseAddress), "vpc-1", signal);
  return { find, asked, clock, subject };
}

const vm = {
  NetworkInterfaceId: "eni-1",
  Attachment: { InstanceId: "i-1", Status: "attached" },
  PrivateIpAddress: "10.0.1.20",
  PrivateIpAddresses: [{ PrivateIpAddress: "10.0.1.20" }, { PrivateIpAddress: "10.0.1.21" }],
  Ipv6Addresses: [{ Ipv6Address: "2001:db8::20" }],
};

/** A node whose pods have addresses of prefixes that are delegated to its interface. */
const node = {
  NetworkInterfaceId: "eni-7",
  PrivateIpAddress: "10.0.1.70",
  Ipv4Prefixes: [{ Ipv4Prefix: "10.0.1.32/28" }],
  Ipv6Prefixes: [{ Ipv6Prefix: "2001:db8:0:0:7::/80" }],
};

Deno.test("find() asks once for all addresses of a family, primary and secondary", async () => {
  const { find, asked } = lookup([vm]);
  assert.deepEqual(await find("10.0.1.20", "10.0.1.21"), ["eni-1", "eni-1"]);
  assert.deepEqual(asked, [[
    { Name: "vpc-id", Values: ["vpc-1"] },
    { Name: "addresses.private-ip-address", Values: ["10.0.1.20", "10.0.1.21"] },
  ]]);
});

Deno.test("find() asks for IPv6 by its own filter", async () => {
  const { find, asked } = lookup([vm]);
  assert.deepEqual(await find("2001:db8::20", "10.0.1.20"), ["eni-1", "eni-1"]);
  assert.deepEqual(asked.map((filters) => filters[1]?.Name), [
    "addresses.private-ip-address",
    "ipv6-addresses.ipv6-address",
  ]);
});

Deno.test("find() finds an address inside a delegated prefix, by the prefix that would have it", async () => {
  const { find, asked } = lookup([vm], [node]);
  assert.deepEqual(await find("10.0.1.40", "10.0.1.99", "10.0.1.20", "2001:db8::7:0:0:9"), [
    "eni-7",
    null,
    "eni-1",
    "eni-7",
  ]);
  assert.deepEqual(asked.filter((filters) => filters[1]?.Name?.startsWith("network-interface.")), [
    [
      { Name: "vpc-id", Values: ["vpc-1"] },
      { Name: "network-interface.ipv4-prefixes.ipv4-prefix", Values: ["10.0.1.32/28", "10.0.1.96/28"] },
    ],
    [
      { Name: "vpc-id", Values: ["vpc-1"] },
      { Name: "network-interface.ipv6-prefixes.ipv6-prefix", Values: ["2001:db8:0:0:7::/80"] },
    ],
  ]);
});

Deno.test("find() takes no interface for a neighbour's that belongs to no VM", async () => {
  const nat = { ...vm, Attachment: { Status: "attached" } };
  const detached = { ...vm, Attachment: { InstanceId: "i-1", Status: "detached" } };
  for (const each of [nat, detached]) assert.deepEqual(await lookup([each]).find("10.0.1.20"), [null]);
});

Deno.test("find() asks again for an interface that is said to be gone", async () => {
  const { find, asked, subject } = lookup([vm]);
  await find("10.0.1.20");
  subject.forgetInterface("eni-1");
  await find("10.0.1.20");
  assert.equal(asked.length, 2);
});

Deno.test("find() splits what does not fit one filter", async () => {
  const { find, asked } = lookup([]);
  await find(...Array.from({ length: 201 }, (_, index) => `10.0.${index >> 8}.${index & 255}`));
  assert.deepEqual(asked.map((filters) => filters[1]?.Values?.length), [200, 1, 13]);
});

Deno.test("find() throws when EC2 cannot be asked, and remembers nothing of it", async () => {
  let fail = true;
  const api = {
    findNetworkInterfaces: (): Promise<Ec2NetworkInterface[]> =>
      fail
        ? Promise.reject(new CloudError("unavailable", "Cannot find"))
        : Promise.resolve(parseNetworkInterfaces([vm])),
    findInterfacesOfInstances: (): Promise<Ec2NetworkInterface[]> => Promise.resolve([]),
  };
  const subject = new InterfaceLookup(api, () => 0);
  await assert.rejects(subject.find([parseAddress("10.0.1.20")], "vpc-1", signal), CloudError);
  fail = false;
  assert.deepEqual(await subject.find([parseAddress("10.0.1.20")], "vpc-1", signal), ["eni-1"]);
});
