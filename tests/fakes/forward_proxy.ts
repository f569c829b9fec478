/** An HTTP proxy: forwards plain requests, tunnels the others (CONNECT), and keeps what it was asked for. */

import http, { type IncomingMessage, type ServerResponse } from "node:http";
import net, { type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

/** A running proxy on loopback. */
export class ForwardProxy implements AsyncDisposable {
  /** `CONNECT host:port`, or `GET http://host:port/path`. */
  readonly asked: string[] = [];
  readonly #tunnels = new Set<Duplex>();
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
  }

  /** Starts it. */
  static async start(): Promise<ForwardProxy> {
    const server = http.createServer();
    const proxy = new ForwardProxy(server);
    server.on("request", (request, response) => proxy.#forward(request, response));
    server.on("connect", (request: IncomingMessage, client: Duplex) => proxy.#tunnel(request, client));
    const listening = Promise.withResolvers<void>();
    server.listen(0, "127.0.0.1", () => listening.resolve());
    await listening.promise;
    return proxy;
  }

  /** For `HTTPS_PROXY` and its like. */
  get url(): string {
    // A server that listens on TCP has an address of this form.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#tunnels) client.destroy();
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    this.#server.closeAllConnections();
    await closed.promise;
  }

  #forward({ method = "GET", url = "", headers }: IncomingMessage, out: ServerResponse): void {
    this.asked.push(`${method} ${url}`);
    const request = http.request(url, { method, headers: { ...headers } });
    request.on("response", (answer) => {
      out.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(out);
    });
    request.on("error", () => out.writeHead(502).end());
    request.end();
  }

  #tunnel({ url = "" }: IncomingMessage, client: Duplex): void {
    this.asked.push(`CONNECT ${url}`);
    const { hostname, port } = new URL(`http://${url}`);
    const server = net.connect(Number(port), hostname.replace(/^\[|\]$/g, ""));
    this.#tunnels.add(client);
    for (const socket of [client, server]) socket.on("error", () => {});
    server.on("connect", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      client.pipe(server).pipe(client);
    });
    client.on("close", () => {
      this.#tunnels.delete(client);
      server.destroy();
    });
    server.on("close", () => client.destroy());
  }
}
