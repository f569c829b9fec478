/** Time that a test moves: of the whole process, so that program, SDKs and fakes see it alike. */

/** Moves the clocks of this process, and puts them back when it is disposed of. Timers run as ever. */
export class MovedClock implements Disposable {
  #monotonicMs = 0;
  #wallMs = 0;
  readonly #Date = Date;
  readonly #now = performance.now;

  constructor() {
    const RealDate = this.#Date;
    const wall = (): number => RealDate.now() + this.#wallMs;
    performance.now = () => this.#now.call(performance) + this.#monotonicMs;
    globalThis.Date = new Proxy(RealDate, {
      construct: (target, args, newTarget) =>
        Reflect.construct(target, args.length === 0 ? [wall()] : args, newTarget),
      get: (target, name, receiver) => name === "now" ? wall : Reflect.get(target, name, receiver),
    });
  }

  /** Time passes: both clocks go on. */
  advance(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
  }

  /** Somebody sets the wall clock. @param ms by how much; less than 0 sets it back. */
  setWall(ms: number): void {
    this.#wallMs += ms;
  }

  [Symbol.dispose](): void {
    globalThis.Date = this.#Date;
    performance.now = this.#now;
  }
}

const minuteMs = 60_000;
/** Longer than anything may be remembered without being asked for again. */
export const longMs = 130 * minuteMs;
export const dayMs = 24 * 60 * minuteMs;
