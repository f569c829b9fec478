/**
 * Makes servers on this side's loopback reachable inside a network namespace. Namespaces divide TCP but not Unix sockets: a process
 * inside listens and carries each connection to a socket, and this side carries it on.
 */

import type { CommandResult } from "../system/namespace.ts";

const inside = new URL("./relay.ts", import.meta.url).pathname;

/** Where to make servers reachable: a namespace, or whatever else has a network of its own. */
export interface Place {
  spawn(args: readonly string[], options?: Deno.CommandOptions): Deno.ChildProcess;
  run(args: readonly string[]): Promise<CommandResult>;
}

/** A server's port on this side, and the address at which it is found inside. */
export interface Relayed {
  readonly port: number;
  /** As `169.254.169.254:80`. */
  readonly at: string;
}

/**
 * Starts carrying; ends when disposed of.
 *
 * @param servers a number is a port that is found inside at the same port of 127.0.0.1.
 */
export async function relayInto(
  place: Place,
  servers: readonly (number | Relayed)[],
): Promise<AsyncDisposable> {
  const all = servers.map((server) =>
    typeof server === "number" ? { port: server, at: `127.0.0.1:${server}` } : server
  );
  const folder = await Deno.makeTempDir();
  const listeners: Deno.Listener[] = [];
  const pairs: string[] = [];
  for (const { port, at } of all) {
    const path = `${folder}/${at}`;
    const listener = Deno.listen({ transport: "unix", path });
    listeners.push(listener);
    void carryAll(listener, port);
    pairs.push(at, path);
  }
  const args = [Deno.execPath(), "run", "--no-config", "-A", inside, ...pairs];
  const child = place.spawn(args, { stdin: "null", stdout: "null", stderr: "null" });
  for (const { at } of all) await untilListening(place, at);
  return {
    [Symbol.asyncDispose]: async (): Promise<void> => {
      for (const listener of listeners) listener.close();
      child.kill("SIGKILL");
      await child.status;
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

async function untilListening(place: Place, at: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const { stdout } = await place.run(["ss", "-Hltn", `src ${at}`]);
    if (stdout.trim() !== "") return;
    await new Promise((wake) => setTimeout(wake, 20));
  }
  throw new Error(`Cannot relay ${at}: the relay inside the namespace does not listen`);
}
