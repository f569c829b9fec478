/** One login for all calls: who comes while it is under way waits for it, and a caller that gives up ends nobody else's. */

import { abortable } from "../../async/abortable.ts";

/** A credential and when it ends. */
export interface Login<T> {
  readonly value: T;
  /** Milliseconds since the epoch from which on the value must not be used; Infinity: it does not end. */
  readonly until: number;
}

/** Settings of a {@linkcode SharedLogin}. */
export interface SharedLoginOptions<T> {
  /** Logs in. It has a deadline of its own: no caller's signal ends it. */
  readonly login: () => Promise<Login<T>>;
  /** A value is renewed this long before its end, in milliseconds, so that no call carries one that expires on its way. */
  readonly renewBeforeMs: number;
  /** Milliseconds since the epoch, as the servers that issue credentials count. */
  readonly now?: () => number;
}

/** See the head of this file. */
export class SharedLogin<T> {
  readonly #login: () => Promise<Login<T>>;
  readonly #renewBeforeMs: number;
  readonly #now: () => number;
  #current: Login<T> | null = null;
  #underWay: Promise<Login<T>> | null = null;

  constructor({ login, renewBeforeMs, now = Date.now }: SharedLoginOptions<T>) {
    this.#login = login;
    this.#renewBeforeMs = renewBeforeMs;
    this.#now = now;
  }

  /** The value at hand, whether it is still good or not; null before the first login, and after a refusal. */
  get current(): T | null {
    return this.#current?.value ?? null;
  }

  /**
   * The value, after a login if there is none that is good for a while. A login that fails leaves the value at hand good to its end.
   *
   * @throws what the login throws, and the signal's reason if this caller gives up; the login itself goes on for the others.
   */
  async get(signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#lasts(this.#renewBeforeMs)) return this.#value();
    try {
      const login = this.#begin();
      return (await (signal === undefined ? login : abortable(login, signal))).value;
    } catch (error) {
      signal?.throwIfAborted();
      if (this.#lasts(0)) return this.#value();
      throw error;
    }
  }

  /** Forgets a value that the cloud refused, unless another call has renewed it since; the next call logs in again. */
  refused(value: T | null): void {
    if (this.#current?.value === value) this.#current = null;
  }

  #lasts(ms: number): boolean {
    return this.#current !== null && this.#now() < this.#current.until - ms;
  }

  #value(): T {
    if (this.#current === null) throw new Error("Cannot use a login before there is one");
    return this.#current.value;
  }

  #begin(): Promise<Login<T>> {
    this.#underWay ??= this.#logIn();
    return this.#underWay;
  }

  async #logIn(): Promise<Login<T>> {
    try {
      return this.#current = await this.#login();
    } finally {
      this.#underWay = null;
    }
  }
}
