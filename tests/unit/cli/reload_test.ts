/** SIGHUP: what is taken of a changed configuration, what is left, and what refuses all of it. */

import assert from "node:assert/strict";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import { type Reload, reload } from "../../../src/cli/reload.ts";

/** What SIGHUP makes of a run with `-config f` whose file changes so. */
function reloaded(before: object, after: object | string, args: readonly string[] = []): Reload {
  const text = typeof after === "string" ? after : JSON.stringify(after);
  const read = (content: string): ReturnType<typeof parseCommandLine> =>
    parseCommandLine(["run", "-cloud", "local", "-config", "f", ...args], {
      environment: () => undefined,
      readFile: () => content,
    });
  return reload(read(JSON.stringify(before)).values, read(text));
}

Deno.test("a value that counts at once is taken and told, one that is gone has its default", () => {
  const read = reloaded({ hold: "1h", exclude: ["10.0.0.0/8"] }, { exclude: ["10.0.0.0/8", "11.0.0.0/8"] });
  assert.ok(read.is === "taken");
  assert.deepEqual(read.changed, ["-hold (its default)", "-exclude 10.0.0.0/8, 11.0.0.0/8"]);
  assert.deepEqual(read.left, []);
  assert.equal(read.settings.sync.guard.holdMs, 120_000);
  assert.equal(read.settings.policy.filter.length, 2);
});

Deno.test("a value that only another start can change is named and left, the others are taken", () => {
  const read = reloaded({ owner: "a", table: [100] }, { owner: "b", ipv6: true, adopt: true });
  assert.ok(read.is === "taken");
  assert.deepEqual(read.changed, ["-adopt true"]);
  assert.deepEqual(read.left, ["-owner b", "-table (its default)", "-ipv6 true"]);
  const { owner, policy, sync } = read.settings;
  assert.deepEqual([owner, policy.tables, policy.ipv6, sync.adopt], ["a", [100], false, true]);
});

Deno.test("the order of -include and -exclude is a change", () => {
  const read = reloaded({ include: "10.0.0.0/8+", exclude: "10.1.0.0/16+" }, {
    exclude: "10.1.0.0/16+",
    include: "10.0.0.0/8+",
  });
  assert.ok(read.is === "taken");
  assert.deepEqual(read.settings.policy.filter.map(({ action }) => action), ["exclude", "include"]);
  assert.equal(read.changed.length, 2);
});

Deno.test("a flag of the command line outweighs the file as at the start", () => {
  const read = reloaded({}, { hold: "7s" }, ["-hold", "9s"]);
  assert.ok(read.is === "taken");
  assert.deepEqual([read.changed, read.settings.sync.guard.holdMs], [[], 9_000]);
});

for (
  const [what, file] of Object.entries({
    "no JSON": "{",
    "an unknown flag": '{"holt": "7s"}',
    "a wrong value": '{"hold": "soon", "adopt": true}',
    "a contradiction": '{"router": "r-1"}',
  })
) {
  Deno.test(`a file with ${what} changes nothing`, () => {
    const read = reloaded({}, file);
    assert.ok(read.is === "refused" && read.errors.length > 0);
  });
}
