import assert from "node:assert/strict";
import { TableText } from "../../../../src/clouds/local/table_text.ts";

const routes = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"].map((prefix) => ({
  prefix,
  nextHop: "10.0.0.2",
  owner: "cloudroutesync",
}));

function textOf(text: TableText): string {
  return new TextDecoder().decode(text.bytes);
}

Deno.test("a table has one line a route, which grep finds", () => {
  assert.equal(
    textOf(TableText.of({ version: 7, quota: 500, routes })),
    `{
  "version": 7,
  "quota": 500,
  "routes": [
    {"prefix":"10.1.0.0/16","nextHop":"10.0.0.2","owner":"cloudroutesync"},
    {"prefix":"10.2.0.0/16","nextHop":"10.0.0.2","owner":"cloudroutesync"},
    {"prefix":"10.3.0.0/16","nextHop":"10.0.0.2","owner":"cloudroutesync"}
  ]
}
`,
  );
});

Deno.test("a table without routes has an empty list", () => {
  assert.equal(
    textOf(TableText.of({ version: 1, quota: 500, routes: [] })),
    '{\n  "version": 1,\n  "quota": 500,\n  "routes": []\n}\n',
  );
});

Deno.test("the line of a route that is the same object is taken, not written", () => {
  const [first, second, third] = routes;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const before = TableText.of({ version: 1, quota: 500, routes });
  const unwritable = (route: typeof first): typeof first =>
    Object.assign(route, { toJSON: () => assert.fail() });
  unwritable(first);
  unwritable(third);
  const moved = { ...second, nextHop: "10.0.0.9" };
  assert.match(
    textOf(TableText.of({ version: 2, quota: 500, routes: [first, moved, third] }, before)),
    /"version": 2,[^]*10\.1\.0\.0[^]*10\.2\.0\.0\/16","nextHop":"10\.0\.0\.9"[^]*10\.3\.0\.0/,
  );
});
