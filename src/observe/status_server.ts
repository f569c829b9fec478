/** Metrics, health, status and the page over HTTP (`-listen`). It only shows; nothing can be changed through it. */

import { errorFacts } from "../clouds/cloud_error.ts";
import { tableDocument } from "../sync/sync_status.ts";
import { type Health, healthOf, type Observed } from "./health.ts";
import type { LiveStatus } from "./live_status.ts";
import { type AccessRules, isLoopback, refusal } from "./page_access.ts";

/** What is served. */
export interface StatusPages {
  /** Takes the state at the moment of a request. */
  readonly observe: () => Observed;
  /** The page of metrics, and its media type. */
  readonly metrics: (observed: Observed) => Promise<{ readonly text: string; readonly type: string }>;
  /** What the page follows. */
  readonly live: Pick<LiveStatus, "events" | "routes" | "close">;
  /** Who may see page and status, besides whoever is on this machine. */
  readonly access: Omit<AccessRules, "hostname">;
  /** Called with a request that could not be answered, which is a defect. */
  readonly onError?: (error: unknown) => void;
}

/** A server that is running. */
export interface RunningServer {
  readonly addr: Deno.Addr;
  /** Ends it, and the event streams, which never end by themselves. */
  shutdown(): Promise<void>;
}

/** The headers of every answer. */
const safeHeaders: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

/**
 * Serves the page under /, /status, /routes and /events (JSON, all four as {@linkcode refusal} allows), /metrics (Prometheus), /healthz
 * (the loop is alive and not failing) and /readyz (all is in step and packets pass).
 *
 * @param address as `-listen` names it, by which browsers may ask.
 * @param at the IP address of its host where that is a name.
 */
export function serveStatus(
  address: { readonly hostname: string; readonly port: number },
  pages: StatusPages,
  at: string = address.hostname,
): RunningServer {
  const failed = (error: unknown): Response => {
    pages.onError?.(error);
    return text("Cannot answer: an unexpected error, which is in the log\n", 500);
  };
  const server = Deno.serve(
    { ...address, hostname: at, onListen: () => {}, onError: failed },
    async (request) => withSafeHeaders(await answer(request, address.hostname, pages)),
  );
  return {
    addr: server.addr,
    shutdown: async () => {
      pages.live.close();
      await server.shutdown();
    },
  };
}

async function answer(request: Request, hostname: string, pages: StatusPages): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") return text("Only GET is served here\n", 405);
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/metrics": {
      const page = await pages.metrics(pages.observe());
      return new Response(page.text, { headers: { "content-type": page.type } });
    }
    case "/healthz":
    case "/readyz": {
      const health = healthOf(pages.observe());
      const isGood = pathname === "/readyz" ? health.ready : health.state !== "failing";
      return healthAnswer(isGood, health, isLoopback(hostname));
    }
    case "/":
    case "/status":
    case "/events":
    case "/routes": {
      const refused = await refusal(request, { hostname, ...pages.access }, pathname === "/");
      if (refused === null) return await shown(pathname, request, pages);
      const response = text(`${refused.text}\n`, refused.status);
      if (refused.status === 401) response.headers.set("www-authenticate", 'Bearer realm="cloudroutesync"');
      return response;
    }
    default:
      return text("Try / in a browser, or /metrics, /healthz, /readyz, /status or /routes\n", 404);
  }
}

/** What only those see who may. */
async function shown(
  pathname: "/" | "/status" | "/events" | "/routes",
  request: Request,
  { observe, live }: StatusPages,
): Promise<Response> {
  switch (pathname) {
    case "/":
      // The page is read where somebody looks at it.
      return (await import("./page/page_document.ts")).pageResponse();
    case "/status": {
      const observed = observe();
      return Response.json(statusDocument(healthOf(observed), observed));
    }
    case "/routes":
      return live.routes(request.headers.get("if-none-match"));
    case "/events":
      // Whoever asks for the head alone reads no stream.
      return request.method === "HEAD" ? text("", 200, "text/event-stream") : live.events();
  }
}

/** @param withReason where others reach the address, only the word is said. */
function healthAnswer(isGood: boolean, { state, why }: Health, withReason: boolean): Response {
  return text(`${state}${withReason ? `: ${why}` : ""}\n`, isGood ? 200 : 503);
}

function withSafeHeaders(response: Response): Response {
  for (const [name, value] of Object.entries(safeHeaders)) response.headers.set(name, value);
  return response;
}

function statusDocument(health: Health, observed: Observed): unknown {
  const { openingError = null, tables } = observed;
  return {
    ...health,
    ...observed,
    openingError: openingError === null ? null : errorFacts(openingError),
    tables: tables.map(tableDocument),
  };
}

function text(body: string, status: number, type = "text/plain"): Response {
  return new Response(body, { status, headers: { "content-type": `${type}; charset=utf-8` } });
}
