import assert from "node:assert/strict";
import { type Ec2NetworkInterface, parseNetworkInterfaces } from "../../../src/clouds/aws/ec2_answers.ts";
import type { Filter } from "../../../src/clouds/aws/ec2_api.ts";
import { InterfaceLookup } from "../../../src/clouds/aws/interface_lookup.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { parseAddress } from "../../../src/routes/prefix.ts";

const signal = new AbortController().signal;

/** An EC2 that answers all interfaces to every question, and counts. */
function lookup(interfaces: readonly object[]): {
  readonly find: (...addresses: string[]) => Promise<ReadonlyMap<string, string | null>>;
  readonly asked: Filter[][];
  readonly clock: { now: number };
  readonly subject: InterfaceLookup;
} {
  const asked: Filter[][] = [];
  const clock = { now: 0 };
  const api = {
    findNetworkInterfaces: (filters: Filter[]): Promise<Ec2NetworkInterface[]> => {
      asked.push(filters);
      return Promise.resolve(parseNetworkInterfaces(interfaces));
    },
  };
  const subject = new InterfaceLookup(api, () => clock.now);
  const find = (...addresses: string[]): Promise<ReadonlyMap<string, string | null>> =>
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

Deno.test("find() asks once for all addresses of a family, primary and secondary", async () => {
  const { find, asked } = lookup([vm]);
  const found = await find("10.0.1.20", "10.0.1.21", "10.0.1.99");
  assert.deepEqual([...found], [["10.0.1.20", "eni-1"], ["10.0.1.21", "eni-1"], ["10.0.1.99", null]]);
  assert.deepEqual(asked, [[
    { Name: "vpc-id", Values: ["vpc-1"] },
    { Name: "addresses.private-ip-address", Values: ["10.0.1.20", "10.0.1.21", "10.0.1.99"] },
  ]]);
});

Deno.test("find() asks for IPv6 by its own filter", async () => {
  const { find, asked } = lookup([vm]);
  assert.equal((await find("2001:db8::20")).get("2001:db8::20"), "eni-1");
  assert.equal(asked[0]?.[1]?.Name, "ipv6-addresses.ipv6-address");
});

Deno.test("find() takes a NAT gateway's interface for no VM", async () => {
  const { find } = lookup([{ ...vm, Attachment: { Status: "attached" } }]);
  assert.equal((await find("10.0.1.20")).get("10.0.1.20"), null);
});

Deno.test("find() remembers VMs for five minutes and nobody for half of one", async () => {
  const { find, asked, clock } = lookup([vm]);
  await find("10.0.1.20", "10.0.1.99");
  clock.now = 29_999;
  await find("10.0.1.20", "10.0.1.99");
  assert.equal(asked.length, 1);
  clock.now = 30_000;
  await find("10.0.1.20", "10.0.1.99");
  assert.deepEqual(asked[1]?.[1]?.Values, ["10.0.1.99"]);
  clock.now = 300_000;
  await find("10.0.1.20");
  assert.deepEqual(asked[2]?.[1]?.Values, ["10.0.1.20"]);
});

Deno.test("find() asks again for an interface that is said to be gone", async () => {
  const { find, asked, subject } = lookup([vm]);
  await find("10.0.1.20");
  subject.forget("eni-1");
  await find("10.0.1.20");
  assert.equal(asked.length, 2);
});

Deno.test("find() splits what does not fit one filter", async () => {
  const { find, asked } = lookup([]);
  await find(...Array.from({ length: 201 }, (_, index) => `10.0.${index >> 8}.${index & 255}`));
  assert.deepEqual(asked.map((filters) => filters[1]?.Values?.length), [200, 1]);
});

Deno.test("find() throws when EC2 cannot be asked, and remembers nothing of it", async () => {
  let fail = true;
  const api = {
    findNetworkInterfaces: (): Promise<Ec2NetworkInterface[]> =>
      fail
        ? Promise.reject(new CloudError("unavailable", "Cannot find"))
        : Promise.resolve(parseNetworkInterfaces([vm])),
  };
  const subject = new InterfaceLookup(api, () => 0);
  await assert.rejects(subject.find([parseAddress("10.0.1.20")], "vpc-1", signal), CloudError);
  fail = false;
  assert.equal((await subject.find([parseAddress("10.0.1.20")], "vpc-1", signal)).get("10.0.1.20"), "eni-1");
});
