/**
 * Makes servers on this side's loopback reachable inside a network namespace, at the same ports. Namespaces divide TCP but not
 * Unix sockets: a process inside listens and carries each connection to a socket, and this side carries it on.
 */

import type { Namespace } from "../system/namespace.ts";

const inside = new URL("./relay.ts", import.meta.url).pathname;

/** Starts carrying; ends when disposed of. */
export async function relayInto(namespace: Namespace, ports: readonly number[]): Promise<AsyncDisposable> {
  const folder = await Deno.makeTempDir();
  const listeners: Deno.Listener[] = [];
  const children: Deno.ChildProcess[] = [];
  for (const port of ports) {
    const path = `${folder}/${port}`;
    const listener = Deno.listen({ transport: "unix", path });
    listeners.push(listener);
    void carryAll(listener, port);
    const args = [Deno.execPath(), "run", "--no-config", "-A", inside, `${port}`, path];
    children.push(namespace.spawn(args, { stdout: "null", stderr: "null" }));
  }
  for (const port of ports) await untilListening(namespace, port);
  return {
    [Symbol.asyncDispose]: async (): Promise<void> => {
      for (const listener of listeners) listener.close();
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(children.map((child) => child.status));
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function carryAll(listener: Deno.Listener, port: number): Promise<void> {
  for await (const client of listener) void carry(client, port);
}

/** A server that refuses shows inside as a connection that ends at once. */
async function carry(client: Deno.Conn, port: number): Promise<void> {
  let server: Deno.Conn;
  try {
    server = await Deno.connect({ hostname: "127.0.0.1", port });
  } catch {
    client.close();
    return;
  }
  await Promise.allSettled([
    client.readable.pipeTo(server.writable),
    server.readable.pipeTo(client.writable),
  ]);
}

async function untilListening(namespace: Namespace, port: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const { stdout } = await namespace.run(["ss", "-Hltn", `sport = :${port}`]);
    if (stdout.trim() !== "") return;
    await new Promise((wake) => setTimeout(wake, 20));
  }
  throw new Error(`Cannot relay port ${port}: the relay inside the namespace does not listen`);
}
