import assert from "node:assert/strict";
import { exchangeOver } from "../../../../src/clouds/kit/link_local_exchange.ts";
import type { TransportAnswer } from "../../../../src/clouds/kit/transport.ts";

/** Makes the call on a connection to somebody who says this and hangs up. @returns the answer, and what was asked. */
async function exchanged(
  said: string,
): Promise<{ readonly answer: TransportAnswer; readonly asked: string }> {
  const [to, from] = [
    new TransformStream<Uint8Array<ArrayBuffer>>(),
    new TransformStream<Uint8Array<ArrayBuffer>>(),
  ];
  const asked = to.readable.getReader().read();
  const writer = from.writable.getWriter();
  const saying = writer.write(new TextEncoder().encode(said)).then(() => writer.close()).catch(() => {});
  const url = new URL("http://[fe80::a9fe:a9fe]/a/b?c=d");
  const connection = { readable: from.readable, writable: to.writable };
  const answer = await exchangeOver(connection, url, new Headers({ accept: "x" }));
  await saying;
  return { answer, asked: new TextDecoder().decode((await asked).value) };
}

Deno.test("exchangeOver() asks by HTTP/1.0, whose answers are never chunked, and names no zone", async () => {
  const { answer, asked } = await exchanged(
    "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\n\r\n\u{fc}ber\r\n\r\nalles",
  );
  assert.equal(asked, "GET /a/b?c=d HTTP/1.0\r\nhost: [fe80::a9fe:a9fe]\r\naccept: x\r\n\r\n");
  assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "text/x"]);
  assert.equal(new TextDecoder().decode(answer.body), "\u{fc}ber\r\n\r\nalles");
});

Deno.test("exchangeOver() takes any status, and no body", async () => {
  const { answer } = await exchanged("HTTP/1.0 404\r\ncontent-length: 0\r\n\r\n");
  assert.deepEqual([answer.status, answer.body.length], [404, 0]);
});

for (
  const [name, said, why] of [
    ["nothing", "", /is not HTTP/],
    ["something else", "220 mail.example ESMTP\r\n\r\n", /is not HTTP/],
    ["half a head", "HTTP/1.1 200 OK\r\ncontent-le", /is not HTTP/],
    ["half a body", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", /closed before the answer was whole/],
    ["a field that is none", "HTTP/1.1 200 OK\r\n b a d : x\r\n\r\n", /header/i],
    ["more than it may", `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(1_000_001)}`, /longer than 1000000 bytes/],
  ] as const
) {
  Deno.test(`exchangeOver() fails where ${name} is answered`, async () => {
    await assert.rejects(exchanged(said), why);
  });
}
