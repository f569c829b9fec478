/**
 * Serves the status where `-listen` says, as soon as that address can be had: a port that another program has ends no run, and neither
 * does a name that cannot be looked up yet. Names are looked up beforehand: Deno.serve would hold up the event loop meanwhile, for half a
 * minute where DNS is dead.
 */

import { getLogger } from "@logtape/logtape";
import { abortable } from "../async/abortable.ts";
import { backOffMs } from "../async/back_off.ts";
import type { Clock } from "../async/clock.ts";
import { lookUpHost } from "./host_lookup.ts";
import { isLookedUp, type ListenAddress, ListenError, listening, textOf } from "./listen_address.ts";

const log = getLogger(["cloudroutesync", "run"]);

/** What serves; as `Deno.HttpServer`. */
export interface StatusServer {
  shutdown(): Promise<void>;
}

/** Finds an address of a name. */
export type LookUp = (name: string) => Promise<string>;

/** See the head of this file. */
export class StatusListener implements AsyncDisposable {
  readonly #address: ListenAddress;
  readonly #serve: (hostname: string) => StatusServer;
  readonly #clock: Clock;
  readonly #lookUp: LookUp;
  readonly #end = new AbortController();
  readonly #trying: Promise<void>;
  #server: StatusServer | null = null;

  /**
   * Begins to listen, or to try.
   *
   * @param serve begins to listen at this IP address, or at `localhost`.
   * @throws {ListenError} if no waiting heals it.
   */
  constructor(
    address: ListenAddress,
    serve: (hostname: string) => StatusServer,
    clock: Clock,
    lookUp: LookUp = lookUpHost,
  ) {
    this.#address = address;
    this.#serve = serve;
    this.#clock = clock;
    this.#lookUp = lookUp;
    if (isLookedUp(address)) {
      this.#trying = this.#tryAgain(null);
      return;
    }
    const error = this.#try(address.hostname);
    if (error !== null && !error.heals) throw error;
    this.#trying = error === null ? Promise.resolve() : this.#tryAgain(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#trying;
    await this.#server?.shutdown();
  }

  #try(hostname: string): ListenError | null {
    try {
      this.#server = listening(this.#address, () => this.#serve(hostname));
      return null;
    } catch (error) {
      if (error instanceof ListenError) return error;
      throw error;
    }
  }

  async #tryByName(): Promise<ListenError | null> {
    const { hostname } = this.#address;
    if (!isLookedUp(this.#address)) return this.#try(hostname);
    try {
      return this.#try(await abortable(this.#lookUp(hostname), this.#end.signal));
    } catch (cause) {
      const why = `the name ${hostname} cannot be looked up`;
      return new ListenError(`Cannot listen on ${textOf(this.#address)} (-listen): ${why}`, cause);
    }
  }

  /** @param first what failed already; null: nothing was tried yet. */
  async #tryAgain(first: ListenError | null): Promise<void> {
    const { signal } = this.#end;
    let error = first ?? await this.#tryByName();
    if (error === null || signal.aborted) return;
    let logged = "";
    for (let failures = 1; error !== null; failures++) {
      if (error.message !== logged) {
        log.warn("{message}; retrying", { event: "listen-failed", message: error.message });
      }
      logged = error.message;
      await this.#clock.sleep(backOffMs(failures, undefined, this.#clock.random()), signal);
      if (signal.aborted) return;
      error = await this.#tryByName();
      if (signal.aborted) return;
    }
    log.info("Listening on {address}, which could not be had before", {
      event: "listening",
      address: textOf(this.#address),
    });
  }
}
