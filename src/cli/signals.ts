/** SIGTERM and SIGINT as abort signals; SIGHUP, which reads the settings again. */

/** When to end, and when to give up what is under way. */
export interface StopSignals extends Disposable {
  readonly stop: AbortSignal;
  readonly abandon: AbortSignal;
  /** Aborted by a second signal only: what is done on the way out is to be given up too. */
  readonly insist: AbortSignal;
}

/** A call under way may take this long after the first signal; the process is gone within 5 s. */
const abandonAfterMs = 4_000;

/** Listens for SIGTERM and SIGINT; a second one abandons at once. */
export function listenForStop(): StopSignals {
  const stop = new AbortController();
  const abandon = new AbortController();
  const insist = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const give = (): void => abandon.abort(new DOMException("A signal to stop came", "AbortError"));
  const onSignal = (): void => {
    if (stop.signal.aborted) {
      insist.abort(new DOMException("A second signal to stop came", "AbortError"));
      return give();
    }
    stop.abort(new DOMException("A signal to stop came", "AbortError"));
    timer = setTimeout(give, abandonAfterMs);
  };
  Deno.addSignalListener("SIGTERM", onSignal);
  Deno.addSignalListener("SIGINT", onSignal);
  return {
    stop: stop.signal,
    abandon: abandon.signal,
    insist: insist.signal,
    [Symbol.dispose](): void {
      clearTimeout(timer);
      Deno.removeSignalListener("SIGTERM", onSignal);
      Deno.removeSignalListener("SIGINT", onSignal);
    },
  };
}

/** SIGHUP (`systemctl reload`, a terminal that is closed), which ends a process by default (signal(7)), and no run. */
export class Hangup implements Disposable {
  #answer: (() => void) | null = null;
  #came = false;

  constructor() {
    Deno.addSignalListener("SIGHUP", this.#onSignal);
  }

  /** What to do from now on; at once if a signal has come before. */
  answer(act: () => void): void {
    this.#answer = act;
    if (this.#came) act();
    this.#came = false;
  }

  [Symbol.dispose](): void {
    Deno.removeSignalListener("SIGHUP", this.#onSignal);
  }

  readonly #onSignal = (): void => {
    if (this.#answer === null) this.#came = true;
    else this.#answer();
  };
}
