/**
 * A GET of a link-local IPv6 address, which needs the device to leave by. `fetch` takes no URL with a zone (RFC 6874 was never taken up by
 * the URL standard) and the kernel refuses to connect without one (EINVAL), so the exchange is made on a connection of its own. By HTTP/1.0
 * (RFC 1945): the answer ends with the connection and is never chunked (RFC 9112, section 6.1).
 */

import { abortable } from "../../async/abortable.ts";
import type { TransportAnswer } from "./transport.ts";

/** More than any metadata service says. */
const mostBytes = 1_000_000;

/**
 * Makes the call on a new connection, and closes it.
 *
 * @param url `http`, with a link-local address.
 * @param device name of the device, such as `eth0`.
 * @throws {Error} if there is no connection or the answer is not one of HTTP; the signal's reason if it is aborted.
 */
export async function linkLocalExchange(
  url: URL,
  device: string,
  headers: Headers,
  signal: AbortSignal,
): Promise<TransportAnswer> {
  const hostname = `${url.hostname.slice(1, -1)}%${device}`;
  const connecting = Deno.connect({ hostname, port: url.port === "" ? 80 : Number(url.port) });
  let connection: Deno.TcpConn;
  try {
    connection = await abortable(connecting, signal);
  } catch (error) {
    // One that comes too late is closed then.
    connecting.then((late) => late.close(), () => {});
    throw error;
  }
  using open = connection;
  return await abortable(exchangeOver(open, url, headers), signal);
}

/** Makes the call on a connection that is open. Throws as {@linkcode linkLocalExchange}. */
export async function exchangeOver(
  connection: Pick<Deno.TcpConn, "readable" | "writable">,
  url: URL,
  headers: Headers,
): Promise<TransportAnswer> {
  // The zone is this machine's business alone (RFC 6874, section 4).
  const lines = [`GET ${url.pathname}${url.search} HTTP/1.0`, `host: ${url.host}`];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  const writer = connection.writable.getWriter();
  await writer.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  return answerOf(await readAll(connection));
}

async function readAll(connection: Pick<Deno.TcpConn, "readable">): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of connection.readable) {
    size += chunk.length;
    if (size > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return await new Blob(chunks).bytes();
}

/** Takes an answer apart. @throws {Error} if it is none, or was cut short. */
function answerOf(bytes: Uint8Array<ArrayBuffer>): TransportAnswer {
  // Bytes of the head stand for themselves in this encoding, so that places in the text are places in the bytes.
  const text = new TextDecoder("latin1").decode(bytes);
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...fields] = text.slice(0, Math.max(end, 0)).split("\r\n");
  const status = /^HTTP\/1\.[01] ([1-9][0-9]{2})( |$)/.exec(first)?.[1];
  if (status === undefined) throw new Error("what was answered is not HTTP");
  const headers = new Headers(fields.map((field): [string, string] => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon), field.slice(colon + 1).trim()];
  }));
  const body = bytes.slice(end + 4);
  const length = headers.get("content-length");
  if (length !== null && Number(length) !== body.length) {
    throw new Error("the connection was closed before the answer was whole");
  }
  return { status: Number(status), headers, body };
}
