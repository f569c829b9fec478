/** A TCP relay that breaks connections as real networks and servers do: for http and https alike, since it reads no byte. */

import net, { type AddressInfo, type Socket } from "node:net";

/** What becomes of a connection once so many bytes have passed since the fault was armed. */
export interface Fault {
  /** Which way the bytes flow that are counted: the client's request, or the server's answer. */
  readonly count: "request" | "answer";
  /** The bytes that still pass. */
  readonly after: number;
  /**
   * `reset`: a RST to the client. `end`: a FIN to the client, whose own side stays open. `hang`: nothing passes any more, and
   * nobody is told.
   */
  readonly how: "reset" | "end" | "hang";
}

/** A running relay; {@linkcode FaultyRelay.arm} is its knob. */
export class FaultyRelay implements AsyncDisposable {
  /** Connections that clients have made, and those that are open. */
  connections = 0;
  readonly #open = new Set<Socket>();
  readonly #server: net.Server;
  #fault: Fault | null = null;
  #passed = 0;

  private constructor(server: net.Server, readonly hostname: string) {
    this.#server = server;
  }

  /** Starts a relay to a port of the same address. */
  static async start(port: number, hostname = "127.0.0.1"): Promise<FaultyRelay> {
    const server = net.createServer({ allowHalfOpen: true });
    const relay = new FaultyRelay(server, hostname);
    server.on("connection", (client) => relay.#carry(client, port));
    const listening = Promise.withResolvers<void>();
    server.listen(0, hostname, () => listening.resolve());
    await listening.promise;
    return relay;
  }

  get port(): number {
    // A server that listens on TCP has an address of this form.
    return (this.#server.address() as AddressInfo).port;
  }

  /** `127.0.0.1:PORT`, or `[::1]:PORT`. */
  get authority(): string {
    return `${this.hostname.includes(":") ? `[${this.hostname}]` : this.hostname}:${this.port}`;
  }

  /** Connections that clients hold open. */
  get open(): number {
    return this.#open.size;
  }

  /** Breaks what passes from now on, on every connection; null: nothing. */
  arm(fault: Fault | null): void {
    this.#fault = fault;
    this.#passed = 0;
  }

  /** Resets every open connection, whatever is under way. */
  resetAll(): void {
    for (const client of this.#open) client.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resetAll();
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    await closed.promise;
  }

  #carry(client: Socket, port: number): void {
    this.connections++;
    this.#open.add(client);
    const server = net.connect(port, this.hostname);
    // Breaking is what this is for; each side's end is told to the other below.
    for (const socket of [client, server]) socket.on("error", () => {});
    client.on("data", (bytes) => this.#pass("request", bytes, server, client));
    server.on("data", (bytes) => this.#pass("answer", bytes, client, client));
    client.on("end", () => server.end());
    server.on("end", () => client.end());
    client.on("close", () => {
      this.#open.delete(client);
      server.destroy();
    });
    server.on("close", () => client.destroySoon());
  }

  #pass(direction: Fault["count"], bytes: Uint8Array, to: Socket, client: Socket): void {
    const fault = this.#fault;
    if (fault === null) return void to.write(bytes);
    if (fault.how === "hang" && this.#passed >= fault.after) return;
    if (fault.count !== direction) return void to.write(bytes);
    const part = bytes.subarray(0, Math.max(0, fault.after - this.#passed));
    this.#passed += bytes.length;
    if (part.length === bytes.length && this.#passed < fault.after) return void to.write(bytes);
    to.write(part, () => breakOff(fault.how, client));
  }
}

function breakOff(how: Fault["how"], client: Socket): void {
  if (how === "reset") client.resetAndDestroy();
  if (how === "end") client.end();
}

/**
 * `deno run -A faulty_relay.ts PORT`: a relay of a process's own, for a network namespace. It prints its port, then takes a fault (or
 * `null`, or `"resetAll"`) in JSON from each line of standard input and prints how many connections there were so far.
 */
async function serveOrders(): Promise<void> {
  const relay = await FaultyRelay.start(Number(Deno.args[0]));
  const say = (text: number): Promise<number> => Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
  await say(relay.port);
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    for (const line of text.split("\n").filter((order) => order !== "")) {
      // The test that started this program writes its own orders.
      const order = JSON.parse(line) as Fault | "resetAll" | null;
      if (order === "resetAll") relay.resetAll();
      else relay.arm(order);
      await say(relay.connections);
    }
  }
}

if (import.meta.main) await serveOrders();
