/** `-listen`: what is an address, and what is said when nobody can listen there. */

import assert from "node:assert/strict";
import { listening, parseListenAddress } from "../../../src/cli/listen_address.ts";

const good: Readonly<Record<string, readonly [string, number]>> = {
  "127.0.0.1:9100": ["127.0.0.1", 9100],
  ":9100": ["0.0.0.0", 9100],
  "[::1]:9100": ["::1", 9100],
  "[::]:0": ["::", 0],
  "localhost:65535": ["localhost", 65535],
  "node-1.example.org.:80": ["node-1.example.org.", 80],
  "4chan.example:80": ["4chan.example", 80],
};

for (const [text, [hostname, port]] of Object.entries(good)) {
  Deno.test(`parseListenAddress() takes ${text}`, () => {
    assert.deepEqual(parseListenAddress(text), { hostname, port });
  });
}

const bad: Readonly<Record<string, string>> = {
  "": '"" is not ADDRESS:PORT, [ADDRESS]:PORT or :PORT',
  "9100": '"9100" is not ADDRESS:PORT, [ADDRESS]:PORT or :PORT',
  "::1:80": '"::1:80" is not ADDRESS:PORT, [ADDRESS]:PORT or :PORT',
  "127.0.0.1:http": '"127.0.0.1:http" is not ADDRESS:PORT, [ADDRESS]:PORT or :PORT',
  ":70000": '"70000" is not a whole number from 0 to 65535',
  "[:::::]:80": 'Cannot parse address ":::::": it is neither an IPv4 nor an IPv6 address',
  "[127.0.0.1]:80": '"127.0.0.1" in brackets is not an IPv6 address',
  "[]:80": '"" in brackets is not an IPv6 address',
  "300.1.1.1:80": 'Cannot parse address "300.1.1.1": it is neither an IPv4 nor an IPv6 address',
  "127.1:80": 'Cannot parse address "127.1": it is neither an IPv4 nor an IPv6 address',
  "a host:80": '"a host" is neither an IP address nor the name of a host',
  "-x:80": '"-x" is neither an IP address nor the name of a host',
};

for (const [text, message] of Object.entries(bad)) {
  Deno.test(`parseListenAddress() refuses "${text}"`, () => {
    assert.throws(() => parseListenAddress(text), { message });
  });
}

/** Listens as the status page does. */
function serve(hostname: string, port: number): Deno.HttpServer<Deno.NetAddr> {
  return listening(
    { hostname, port },
    () => Deno.serve({ hostname, port, onListen: () => {} }, () => new Response()),
  );
}

Deno.test("listening() says that the address is in use, and which flag named it", async () => {
  const server = serve("127.0.0.1", 0);
  const { port } = server.addr;
  assert.throws(() => serve("127.0.0.1", port), {
    name: "ListenError",
    message: `Cannot listen on 127.0.0.1:${port} (-listen): the address is in use`,
  });
  await server.shutdown();
});

Deno.test("listening() says that the machine does not have the address", () => {
  assert.throws(() => serve("192.0.2.1", 9155), {
    message: "Cannot listen on 192.0.2.1:9155 (-listen): this machine does not have the address",
  });
  assert.throws(() => serve("2001:db8::1", 9155), {
    message: "Cannot listen on [2001:db8::1]:9155 (-listen): this machine does not have the address",
  });
});

Deno.test("listening() says what a low port needs", () => {
  const refuse = (): never => {
    throw new Deno.errors.PermissionDenied("Permission denied (os error 13)");
  };
  assert.throws(() => listening({ hostname: "0.0.0.0", port: 80 }, refuse), {
    message:
      "Cannot listen on 0.0.0.0:80 (-listen): permission denied (a port below 1024 needs CAP_NET_BIND_SERVICE)",
  });
});

Deno.test("listening() says that a name is nobody's", () => {
  const refuse = (): never => {
    throw new Error("failed to lookup address information: Name or service not known");
  };
  assert.throws(() => listening({ hostname: "no.invalid", port: 80 }, refuse), {
    message:
      "Cannot listen on no.invalid:80 (-listen): failed to lookup address information: Name or service not known",
  });
});
