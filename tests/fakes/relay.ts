/**
 * Listens on 127.0.0.1:PORT of the network namespace that it is started in and carries each connection to a Unix socket,
 * which namespaces do not divide. `deno run -A relay.ts PORT SOCKET`
 */

const [port, path] = Deno.args;
if (port === undefined || path === undefined) throw new Error("Cannot relay: say PORT and SOCKET");

for await (const client of Deno.listen({ hostname: "127.0.0.1", port: Number(port) })) {
  relay(client, path).catch(() => client.close());
}

async function relay(client: Deno.Conn, socket: string): Promise<void> {
  const server = await Deno.connect({ transport: "unix", path: socket });
  // Either side may end first; the other end of the pipe then fails, which is how it ends too.
  await Promise.allSettled([
    client.readable.pipeTo(server.writable),
    server.readable.pipeTo(client.writable),
  ]);
}
