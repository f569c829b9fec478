// @ts-check
/** Follows the service's events. `EventSource` can send no token, so the stream is read by `fetch`. */

/** @typedef {{ event: string, data: string }} StreamEvent */

/** The service could not be asked, or refused; `status` 0: it did not answer. */
export class AskError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * Takes the events off the front of a text (HTML Living Standard, 9.2.6, as far as this service uses it).
 *
 * @param {string} text
 * @returns {{ events: readonly StreamEvent[], rest: string }}
 */
export function takeEvents(text) {
  const blocks = text.split("\n\n");
  const rest = blocks.pop() ?? "";
  const events = blocks.map((block) => {
    const event = { event: "message", data: "" };
    for (const line of block.split("\n")) {
      const [, field, value = ""] = /^(event|data): ?(.*)$/.exec(line) ?? [];
      if (field === "event") event.event = value;
      else if (field === "data") event.data += value;
    }
    return event;
  });
  return { events, rest };
}

/**
 * Asks the service.
 *
 * @param {string} path
 * @param {string} token empty: none.
 * @param {AbortSignal} signal
 * @returns {Promise<Response>}
 */
export async function ask(path, token, signal) {
  const headers = token === "" ? {} : { authorization: `Bearer ${token}` };
  let response;
  try {
    response = await fetch(path, { headers, signal, cache: "no-cache", credentials: "omit" });
  } catch {
    throw new AskError(0, "The service does not answer");
  }
  if (!response.ok) throw new AskError(response.status, (await response.text()).trim());
  return response;
}

/** A service that says nothing for so long, in milliseconds, is gone: it sends its status each second. */
const silenceMs = 10_000;

/**
 * Reads events until the stream ends.
 *
 * @param {string} token
 * @param {(event: StreamEvent) => void} onEvent
 * @returns {Promise<void>}
 */
export async function follow(token, onEvent) {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silenceMs);
  const response = await ask("events", token, silence.signal);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return;
  let text = "";
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silenceMs);
      const taken = takeEvents(text + part.value);
      text = taken.rest;
      for (const event of taken.events) onEvent(event);
    }
  } catch {
    throw new AskError(0, "The connection to the service broke");
  } finally {
    clearTimeout(timer);
  }
}
