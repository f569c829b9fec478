import assert from "node:assert/strict";
import { namedTables, noTaggedTable, parseRouteTable } from "../../../../src/clouds/kit/table_tag.ts";

Deno.test("a table is named by its id or name, or by tag:KEY=VALUE, whose value may hold anything", () => {
  for (const text of ["rtb-1", "clients", "/subscriptions/s", "tag:env=prod", "tag:env=", "tag:a b=x=y:z"]) {
    assert.equal(parseRouteTable(text), text);
  }
  for (const text of ["tag:", "tag:env", "tag:=prod"]) {
    assert.throws(() => parseRouteTable(text), {
      name: "SyntaxError",
      message: `"${text}" names no tag: write tag:KEY=VALUE`,
    });
  }
});

Deno.test("what is named is split into ids and tags, each once", () => {
  assert.deepEqual(namedTables(["rtb-1", "tag:a=b=c", "rtb-2", "rtb-1", "tag:a=b=c"]), {
    ids: ["rtb-1", "rtb-2"],
    tags: [{ text: "tag:a=b=c", key: "a", value: "b=c" }],
  });
});

Deno.test("the error of a tag that no table has names the tag and the place", () => {
  const { tags } = namedTables(["tag:env=prod", "tag:env=test"]);
  assert.equal(
    noTaggedTable(tags, "route table in vpc-1").message,
    "Cannot find a route table in vpc-1 with the tag env=prod or env=test: none has it; give one that tag",
  );
});
