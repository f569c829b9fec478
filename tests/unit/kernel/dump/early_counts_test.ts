import assert from "node:assert/strict";
import { EarlyCounts } from "../../../../src/kernel/dump/early_counts.ts";

/** What the kernel says while main and local share their routes, and once they do not. */
const shared = "Main:\n\tPrefixes:       5\nLocal:\n\tPrefixes:       5\n";
const apart = "Main:\n\tPrefixes:       5\nLocal:\n\tPrefixes:       2\n";

/** What was asked for, in its order. */
function asking(text: string): { readonly counts: EarlyCounts; readonly asked: string[] } {
  const asked: string[] = [];
  const counts = new EarlyCounts({
    unproven: new Set(),
    readText: (path) => Promise.resolve(asked.push(path)).then(() => text),
    countLocal: () => Promise.resolve(asked.push("local")).then(() => 2),
  });
  return { counts, asked };
}

Deno.test("EarlyCounts asks for nothing before it is begun", async () => {
  await using counts = asking(shared).counts;
  assert.equal(counts.end(), null);
});

for (
  const [text, also] of [[shared, ["local"]], [apart, []], ["", []]] as const
) {
  Deno.test(`EarlyCounts counts local ${also.length === 1 ? "once" : "not"} after ${JSON.stringify(text)}`, async () => {
    const { counts, asked } = asking(text);
    counts.begin();
    counts.begin();
    const { trie, local } = counts.end() ?? {};
    assert.equal(await trie, text);
    assert.equal(await local, also.length === 1 ? 2 : null);
    assert.deepEqual(asked, ["/proc/net/fib_triestat", ...also]);
    await counts[Symbol.asyncDispose]();
  });
}
