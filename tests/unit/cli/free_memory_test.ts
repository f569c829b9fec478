import assert from "node:assert/strict";
import { FreeMemory } from "../../../src/cli/free_memory.ts";
import { openLibc } from "../../../ffi/libc.ts";

// Opened for good, as in the program: within a test it would count as a leak.
const libc = openLibc();

/** Nothing within a test. */
const later = { firstMs: 60_000, everyMs: 60_000, pagesMs: 60_000, pagesEveryMs: 60_000 };

Deno.test("memory is trimmed after the start and again and again, until the end", async () => {
  let times = 0;
  const thrice = Promise.withResolvers<void>();
  const trim = (): void => {
    if (++times === 3) thrice.resolve();
  };
  {
    using _free = new FreeMemory({ trim, leavePages: never }, { ...later, firstMs: 1, everyMs: 2 });
    await thrice.promise;
  }
  const before = times;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(times, before);
});

Deno.test("the executable's pages are left after the start and again and again, until the end", async () => {
  let times = 0;
  const thrice = Promise.withResolvers<void>();
  const leavePages = (): void => {
    if (++times === 3) thrice.resolve();
  };
  {
    using _free = new FreeMemory({ trim: never, leavePages }, { ...later, pagesMs: 1, pagesEveryMs: 2 });
    await thrice.promise;
  }
  const before = times;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(times, before);
});

Deno.test("malloc_trim() says whether there was something to give back", () => {
  assert.ok([0, 1].includes(libc.symbols.malloc_trim(0n)));
});

function never(): void {
  assert.fail("it was not its time");
}
