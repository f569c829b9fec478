/** Server-sent events to bounded readers. */

import assert from "node:assert/strict";
import { EventStreams, mostStreams } from "../../../src/observe/event_streams.ts";

/** What a stream has for its reader now. */
async function read(stream: ReadableStream<Uint8Array> | null): Promise<string> {
  assert.ok(stream !== null);
  const reader = stream.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return new TextDecoder().decode(value);
}

Deno.test("EventStreams begins with the first events, then sends to all readers", async () => {
  const streams = new EventStreams();
  const [one, other] = [streams.open([{ event: "first", data: [1] }]), streams.open([])];
  streams.send({ event: "status", data: { text: "a\nb" } });
  assert.equal(await read(one), "event: first\ndata: [1]\n\n");
  assert.equal(await read(one), 'event: status\ndata: {"text":"a\\nb"}\n\n');
  assert.equal(await read(other), 'event: status\ndata: {"text":"a\\nb"}\n\n');
  streams.close();
});

Deno.test("EventStreams takes no more than so many readers, and again one when one has gone", async () => {
  let lasts = 0;
  const streams = new EventStreams(() => lasts++);
  const open = Array.from({ length: mostStreams }, () => streams.open([]));
  assert.equal(streams.open([]), null);
  await open[0]?.cancel();
  assert.equal(streams.size, mostStreams - 1);
  const again = streams.open([]);
  assert.notEqual(again, null);
  for (const stream of [...open.slice(1), again]) await stream?.cancel();
  assert.deepEqual([streams.size, lasts], [0, 1]);
});

Deno.test("EventStreams drops a reader that reads too slowly, and keeps the others", async () => {
  const streams = new EventStreams();
  const [slow, quick] = [streams.open([]), streams.open([])];
  const data = "x".repeat(300_000);
  for (let sent = 0; sent < 5; sent++) {
    streams.send({ event: "rows", data });
    await read(quick);
  }
  assert.equal(streams.size, 1);
  await assert.rejects(read(slow), /too slow/);
  streams.close();
});

Deno.test("EventStreams ends readers that wait, and breaks off those that do not read", async () => {
  const streams = new EventStreams();
  const [waiting, stuck] = [streams.open([]), streams.open([{ event: "status", data: 1 }])];
  streams.close();
  assert.equal(await read(waiting), "");
  await assert.rejects(read(stuck), /The service ends/);
  assert.equal(streams.size, 0);
});
