import assert from "node:assert/strict";
import type { Change } from "../../../src/clouds/cloud.ts";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { whyKept } from "../../../src/clouds/openstack/covering.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";

const refused = new CloudError("invalid", "Cannot add 10.0.0.0/8", { status: 400 });

function add(text: string): Change {
  return { action: "add", prefix: parsePrefix(text), from: null, to: ["10.0.0.2"] };
}

function withdraw(text: string): Change {
  const prefix = parsePrefix(text);
  return { action: "delete", prefix, from: { prefix, nextHops: ["10.0.0.2"], owner: null }, to: null };
}

function failed(change: Change): { change: Change; error: CloudError } {
  return { change, error: refused };
}

Deno.test("whyKept() is the error of the add that was to cover a deleted prefix", () => {
  assert.equal(
    whyKept(withdraw("10.1.0.0/16"), [failed(add("172.16.0.0/12")), failed(add("10.0.0.0/8"))]),
    refused,
  );
  assert.equal(whyKept(withdraw("10.0.0.0/8"), [failed(add("10.0.0.0/8"))]), refused);
});

Deno.test("whyKept() is null where no failed add covers the prefix, and for all but deletes", () => {
  assert.equal(whyKept(withdraw("10.1.0.0/16"), []), null);
  assert.equal(whyKept(withdraw("10.0.0.0/8"), [failed(add("10.1.0.0/16"))]), null);
  assert.equal(whyKept(withdraw("10.1.0.0/16"), [failed(withdraw("10.0.0.0/8"))]), null);
  assert.equal(whyKept(add("10.1.0.0/16"), [failed(add("10.0.0.0/8"))]), null);
  assert.equal(whyKept(withdraw("::a00:0/104"), [failed(add("0.0.0.0/0"))]), null);
});
