/** A door before a server: it can be shut, so that connections are refused, and its requests pass a {@linkcode Tap}. */

import { passedHeader, type Tap } from "./tap.ts";

/** See the head of this file. */
export class Door implements AsyncDisposable {
  readonly url: string;
  readonly #port: number;
  readonly #target: string;
  readonly #tap: Tap;
  #server: Deno.HttpServer | null = null;

  /** Opens it. @param target base URL of the server, without a slash at its end. */
  constructor(target: string, tap: Tap) {
    this.#target = target;
    this.#tap = tap;
    const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#port = probe.addr.port;
    this.url = `http://127.0.0.1:${this.#port}`;
    probe.close();
    this.open();
  }

  /** Takes connections (again). */
  open(): void {
    this.#server ??= Deno.serve(
      { hostname: "127.0.0.1", port: this.#port, onListen: () => {} },
      (request) => this.#tap.pass(request, (passed) => this.#forward(passed)),
    );
  }

  /** Refuses connections until it is opened. */
  async shut(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    await server?.shutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shut();
  }

  async #forward(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const headers = new Headers(request.headers);
    headers.delete("host");
    headers.set(passedHeader, "1");
    const body = await request.text();
    return await fetch(`${this.#target}${pathname}${search}`, {
      method: request.method,
      headers,
      body: body === "" ? null : body,
      redirect: "manual",
    });
  }
}
