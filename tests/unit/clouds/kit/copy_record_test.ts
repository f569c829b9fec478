import assert from "node:assert/strict";
import { CopyRecord } from "../../../../src/clouds/kit/copy_record.ts";

Deno.test("CopyRecord knows the entries that it was made of, after a way through tags", () => {
  const entries = Array.from({ length: 700 }, (_, index) => [`route 10.${index}.0.0/16`, "igw-1"] as const);
  const values = CopyRecord.of(entries).values();
  assert.equal(values.length, 17);
  assert.ok(values.every((value) => value.length <= 256 && /^[\w-]+$/.test(value)));
  const read = CopyRecord.parse(values);
  assert.ok(entries.every(([key, value]) => read.has(key, value)));
  assert.ok(!read.has("route 10.1.0.0/16", "igw-2"));
  assert.ok(!read.has("route 192.0.2.0/24", "igw-1"));
});

Deno.test("CopyRecord takes 24 tags at most, and damaged ones for none", () => {
  const entries = Array.from({ length: 2_000 }, (_, index) => [`route ${index}`, "igw-1"] as const);
  assert.equal(CopyRecord.of(entries).values().length, 24);
  assert.deepEqual(CopyRecord.parse(["", "abc", "!!"]).values(), []);
});
