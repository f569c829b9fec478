/** SIGTERM and SIGINT as abort signals. */

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
  const give = (): void => abandon.abort(new DOMException("Told to stop", "AbortError"));
  const onSignal = (): void => {
    if (stop.signal.aborted) {
      insist.abort(new DOMException("Told to stop once more", "AbortError"));
      return give();
    }
    stop.abort(new DOMException("Told to stop", "AbortError"));
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
