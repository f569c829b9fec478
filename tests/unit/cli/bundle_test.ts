import assert from "node:assert/strict";
import { withoutPasswords } from "../../../src/cli/commands/bundle.ts";
import { LogRing } from "../../../src/cli/log_ring.ts";

Deno.test("LogRing keeps the last thousand lines, the oldest first", () => {
  const ring = new LogRing();
  for (let index = 0; index < 1_200; index++) ring.add(`line ${index}\n`);
  assert.equal(ring.lines.length, 1_000);
  assert.deepEqual([ring.lines[0], ring.lines.at(-1)], ["line 200", "line 1199"]);
});

Deno.test("LogRing keeps few long lines, and the last however long it is", () => {
  const ring = new LogRing();
  for (let index = 0; index < 100; index++) ring.add("x".repeat(8_000));
  assert.ok(ring.lines.join("").length <= 200_000);
  ring.add("y".repeat(500_000));
  assert.equal(ring.lines.length, 1);
});

Deno.test("withoutPasswords() cuts user and password out of URLs, and nothing else", () => {
  assert.equal(
    withoutPasswords("-proxy http://me:s3cret@proxy:3128/ https://api/ a@b wss://tok@x"),
    "-proxy http://…@proxy:3128/ https://api/ a@b wss://…@x",
  );
});
