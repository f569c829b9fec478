/** Metrics, health and status over HTTP (`-listen`). It only shows; nothing can be changed through it. */

import { type Health, healthOf, type Observed } from "./health.ts";
import { metricsText } from "./metrics.ts";

/**
 * Serves /metrics (Prometheus), /healthz (the loop is alive and not failing), /readyz (all was in step once and is now) and
 * /status (JSON).
 *
 * @param observe takes the state at the moment of a request.
 * @returns the server; `await server.shutdown()` ends it.
 */
export function serveStatus(
  address: { readonly hostname: string; readonly port: number },
  observe: () => Observed,
): Deno.HttpServer {
  return Deno.serve({ ...address, onListen: () => {} }, (request) => answer(request, observe()));
}

function answer(request: Request, observed: Observed): Response {
  if (request.method !== "GET" && request.method !== "HEAD") return text("Only GET is served here\n", 405);
  const health = healthOf(observed);
  switch (new URL(request.url).pathname) {
    case "/metrics":
      return text(metricsText(observed), 200, "text/plain; version=0.0.4");
    case "/healthz":
      return healthAnswer(health.state !== "failing", health);
    case "/readyz":
      return healthAnswer(health.inStep, health);
    case "/status":
      return Response.json({ ...health, ...observed, tables: observed.tables.map(plain) });
    default:
      return text("Try /metrics, /healthz, /readyz or /status\n", 404);
  }
}

function healthAnswer(good: boolean, health: Health): Response {
  return text(`${health.state}: ${health.why}\n`, good ? 200 : 503);
}

function plain(table: Observed["tables"][number]): unknown {
  return { ...table, errors: Object.fromEntries(table.errors) };
}

function text(body: string, status: number, type = "text/plain"): Response {
  return new Response(body, { status, headers: { "content-type": `${type}; charset=utf-8` } });
}
