/** Serves the status where `-listen` says, as soon as that address can be had: a port that another program has ends no run. */

import { getLogger } from "@logtape/logtape";
import { backOffMs } from "../async/back_off.ts";
import type { Clock } from "../async/clock.ts";
import { type ListenAddress, ListenError, listening, textOf } from "./listen_address.ts";

const log = getLogger(["cloudroutesync", "run"]);

/** What serves; as `Deno.HttpServer`. */
export interface StatusServer {
  shutdown(): Promise<void>;
}

/** See the head of this file. */
export class StatusListener implements AsyncDisposable {
  readonly #address: ListenAddress;
  readonly #serve: () => StatusServer;
  readonly #clock: Clock;
  readonly #end = new AbortController();
  readonly #trying: Promise<void>;
  #server: StatusServer | null = null;

  /**
   * Begins to listen, or to try.
   *
   * @param serve begins to listen at the address, as in `() => serveStatus(address, observe)`.
   * @throws {ListenError} if no waiting heals it.
   */
  constructor(address: ListenAddress, serve: () => StatusServer, clock: Clock) {
    this.#address = address;
    this.#serve = serve;
    this.#clock = clock;
    const error = this.#try();
    if (error !== null && !error.heals) throw error;
    this.#trying = error === null ? Promise.resolve() : this.#tryAgain(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#trying;
    await this.#server?.shutdown();
  }

  #try(): ListenError | null {
    try {
      this.#server = listening(this.#address, this.#serve);
      return null;
    } catch (error) {
      if (error instanceof ListenError) return error;
      throw error;
    }
  }

  async #tryAgain(first: ListenError): Promise<void> {
    const { signal } = this.#end;
    let error: ListenError | null = first;
    let logged = "";
    for (let failures = 1; error !== null; failures++) {
      if (error.message !== logged) {
        log.warn("{message}; retrying", { event: "listen-failed", message: error.message });
      }
      logged = error.message;
      await this.#clock.sleep(backOffMs(failures, undefined, this.#clock.random()), signal);
      if (signal.aborted) return;
      error = this.#try();
    }
    log.info("Listening on {address}, which was not free before", {
      event: "listening",
      address: textOf(this.#address),
    });
  }
}
