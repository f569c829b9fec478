/** The page's reader of server-sent events. */

import assert from "node:assert/strict";
import { takeEvents } from "../../../../src/observe/page/stream.js";

Deno.test("takeEvents() takes whole events and leaves the rest, wherever the text was cut", () => {
  const text = 'event: status\ndata: {"now":1}\n\nevent: rows\ndata: {}\n\n';
  for (let cut = 0; cut <= text.length; cut++) {
    const first = takeEvents(text.slice(0, cut));
    const second = takeEvents(first.rest + text.slice(cut));
    assert.deepEqual([...first.events, ...second.events], [
      { event: "status", data: '{"now":1}' },
      { event: "rows", data: "{}" },
    ]);
    assert.equal(second.rest, "");
  }
});
