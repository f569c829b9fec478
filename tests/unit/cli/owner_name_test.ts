/** Names of owners, and those that one setting gives to many nodes. */

import assert from "node:assert/strict";
import { ownerName } from "../../../src/cli/owner_name.ts";
import { errorsOf, settingsOf } from "../../fakes/command_lines.ts";

Deno.test("ownerName() gives each node an owner of its own, the same at each start", () => {
  const names = ["aks-nodepool1-12345678-vmss000000", "ip-10-0-1-2.ec2.internal"];
  const [one, two] = names.map((node) => ownerName("kubernetes@node", () => node));
  assert.match(one ?? "", /^kubernetes-[0-9a-f]{10}$/);
  assert.notEqual(one, two);
  assert.equal(ownerName("kubernetes@node", () => names[0] ?? ""), one);
  assert.ok((ownerName(`${"a".repeat(20)}@node`, () => "n")).length <= 31);
});

Deno.test("-owner NAME@node needs -node, and a name that leaves space for its digits", () => {
  assert.equal(settingsOf("-owner kubernetes").owner, "kubernetes");
  assert.match(settingsOf("-owner k@node -node a.b -pod-cidr auto").owner, /^k-[0-9a-f]{10}$/);
  assert.deepEqual(errorsOf("-owner k@node"), [
    '-owner: "k@node" asks for the node\'s name: give it with -node',
  ]);
  assert.match(
    errorsOf(`-owner ${"a".repeat(21)}@node -node n -pod-cidr auto`).join(),
    /1 to 20 lower-case letters/,
  );
  assert.match(errorsOf("-owner @node -node n -pod-cidr auto").join(), /"" is not a name/);
});

Deno.test("Kubernetes' nodes have owners of their own where a route's mark names its owner", async () => {
  const folder = new URL("../../../terraform/kubernetes/", import.meta.url);
  for (const cloud of ["azure", "gcp"]) {
    const text = await Deno.readTextFile(new URL(`${cloud}.yaml`, folder));
    assert.match(text, /^ {2}CLOUDROUTESYNC_OWNER: kubernetes@node$/m, cloud);
  }
});
