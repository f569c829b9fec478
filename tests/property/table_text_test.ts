/** The text of the embedded cloud's file is the same whether it is made anew or out of an earlier version's lines. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { LocalDocument, LocalRoute } from "../../src/clouds/local/local_file.ts";
import { TableText } from "../../src/clouds/local/table_text.ts";

/** What happens to a route of a table; the number says to which, or where a new one stands. */
const change = fc.record({
  what: fc.constantFrom("add", "insert", "replace", "delete", "move"),
  at: fc.nat(30),
  nextHop: fc.constantFrom("10.0.0.2", "10.0.0.77", "2001:db8::7", 'a "name" of\nÄrger, 🌍'),
});
type TableChange = typeof change extends fc.Arbitrary<infer Value> ? Value : never;

function changed(
  routes: readonly LocalRoute[],
  changes: readonly TableChange[],
  names: () => string,
): LocalRoute[] {
  const result = [...routes];
  for (const { what, at, nextHop } of changes) {
    const place = result.length === 0 ? 0 : at % result.length;
    const standing = result[place];
    const fresh = { prefix: names(), nextHop, owner: "cloudroutesync" };
    if (what === "add") result.push(fresh);
    else if (what === "insert") result.splice(place, 0, fresh);
    else if (standing === undefined) continue;
    else if (what === "replace") result[place] = { ...standing, nextHop, note: "replaced" };
    else result.splice(place, 1);
    if (what === "move" && standing !== undefined) result.push(standing);
  }
  return result;
}

Deno.test("a table's text takes over lines and is what it would be without", () => {
  const rounds = fc.array(fc.array(change, { maxLength: 12 }), { minLength: 1, maxLength: 8 });
  fc.assert(fc.property(fc.array(change, { maxLength: 30 }), rounds, (first, following) => {
    let made = 0;
    const names = (): string => `10.${made++}.0.0/16`;
    let document: LocalDocument = { version: 1, quota: 500, routes: changed([], first, names), note: "kept" };
    let text = TableText.of(document);
    for (const changes of following) {
      document = {
        ...document,
        version: document.version + 1,
        routes: changed(document.routes, changes, names),
      };
      text = TableText.of(document, text);
      const said = new TextDecoder().decode(text.bytes);
      assert.equal(said, new TextDecoder().decode(TableText.of(document).bytes));
      assert.deepEqual(JSON.parse(said), document);
      // One line a route, as an operator finds it.
      const lines = document.routes.map((route) => `    ${JSON.stringify(route)}`).join(",\n");
      assert.ok(said.endsWith(lines === "" ? '"routes": []\n}\n' : `"routes": [\n${lines}\n  ]\n}\n`), said);
    }
  }));
});
