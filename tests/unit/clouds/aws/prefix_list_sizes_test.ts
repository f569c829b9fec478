import assert from "node:assert/strict";
import { PrefixListSizes } from "../../../../src/clouds/aws/prefix_list_sizes.ts";

Deno.test("PrefixListSizes counts AWS' own lists by their weight, a customer's by its most entries", async () => {
  const lists = [
    { PrefixListId: "pl-1", PrefixListName: "com.amazonaws.us-east-1.vpc-lattice", AddressFamily: "IPv4" },
    {
      PrefixListId: "pl-2",
      PrefixListName: "com.amazonaws.us-east-1.ipv6.vpc-lattice",
      AddressFamily: "IPv6",
    },
    {
      PrefixListId: "pl-3",
      PrefixListName: "com.amazonaws.global.cloudfront.origin-facing",
      AddressFamily: "IPv4",
    },
    { PrefixListId: "pl-4", PrefixListName: "com.amazonaws.global.groundstation", AddressFamily: "IPv4" },
    { PrefixListId: "pl-5", PrefixListName: "com.amazonaws.us-east-1.s3", AddressFamily: "IPv4" },
    { PrefixListId: "pl-6", PrefixListName: "mine.vpc-lattice", AddressFamily: "IPv4", MaxEntries: 7 },
  ];
  const sizes = new PrefixListSizes({ readPrefixLists: () => Promise.resolve(lists) }, () => 0);
  const found = await sizes.of(lists.map(({ PrefixListId }) => PrefixListId), new AbortController().signal);
  assert.deepEqual(found.map(({ entries }) => entries), [10, 10, 55, 5, 1, 7]);
  assert.deepEqual(found.map(({ family }) => family), [4, 6, 4, 4, 4, 4]);
});
