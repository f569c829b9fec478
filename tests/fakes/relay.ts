/**
 * Listens in the network namespace that it is started in and carries each connection to a Unix socket, which namespaces do not divide.
 * `deno run -A relay.ts LISTEN SOCKET [LISTEN SOCKET…]`, where LISTEN is PORT (of 127.0.0.1) or ADDRESS:PORT.
 */

if (Deno.args.length === 0 || Deno.args.length % 2 !== 0) {
  throw new Error("Cannot relay: say LISTEN and SOCKET");
}

for (let index = 0; index < Deno.args.length; index += 2) {
  void listen(Deno.args[index] ?? "", Deno.args[index + 1] ?? "");
}

async function listen(where: string, path: string): Promise<void> {
  const [, hostname = "127.0.0.1", port] = /^(?:(.*):)?(\d+)$/.exec(where) ?? [];
  for await (const client of Deno.listen({ hostname, port: Number(port) })) {
    relay(client, path).catch(() => client.close());
  }
}

async function relay(client: Deno.Conn, socket: string): Promise<void> {
  const server = await Deno.connect({ transport: "unix", path: socket });
  // Either side may end first; the other end of the pipe then fails, which is how it ends too.
  await Promise.allSettled([
    client.readable.pipeTo(server.writable),
    server.readable.pipeTo(client.writable),
  ]);
}
