import assert from "node:assert/strict";
import { keeperOf, keptByAnother } from "../../../../src/clouds/kit/own_table.ts";

const known = [{ key: /^kubernetes\.io\/cluster\//, keeper: "a Kubernetes cluster" }];

Deno.test("keeperOf() finds the controller whose tag a table has", () => {
  assert.equal(keeperOf(["Name", "team"], known), null);
  const keeper = keeperOf(["Name", "kubernetes.io/cluster/prod"], known);
  assert.ok(keeper);
  assert.equal(
    keptByAnother("subnet-1", { name: "nodes", id: "rtb-1" }, keeper),
    "Cannot take subnet subnet-1 from route table nodes: its tag kubernetes.io/cluster/prod says that a Kubernetes cluster " +
      "writes to it, and a copy would be behind; share it with -route-table rtb-1",
  );
});
