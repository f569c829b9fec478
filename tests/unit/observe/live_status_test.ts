/** What the page follows. */

import assert from "node:assert/strict";
import { mostStreams } from "../../../src/observe/event_streams.ts";
import { LiveStatus } from "../../../src/observe/live_status.ts";
import type { RouteRow } from "../../../src/observe/route_row.ts";
import type { ChangeRecord } from "../../../src/sync/change_history.ts";

const change = (prefix: string): ChangeRecord => ({
  at: 0,
  action: "add",
  prefix,
  from: null,
  to: "10.0.0.7",
  cause: "kernel",
  milliseconds: 40,
});

/** A service whose rows and looks a test can see. */
class Service {
  prefixes: string[] = [];
  looks = 0;
  forgotten = 0;
  #rows: readonly RouteRow[] = [];
  failures: unknown[] = [];
  readonly live = new LiveStatus({
    status: () => ({ state: "ok" }),
    forget: () => this.forgotten++,
    rows: (anew) => {
      this.looks++;
      const isSame = this.#rows.map(({ prefix }) => prefix).join() === this.prefixes.join();
      if (isSame && !anew) return null;
      if (!isSame) this.#rows = this.prefixes.map(rowOf);
      return { rows: this.#rows, leftOut: 0 };
    },
  }, (error) => this.failures.push(error));
}

function rowOf(prefix: string): RouteRow {
  return { prefix, kernel: [], verdict: "wanted", reason: null, state: "in-step", cloud: [] };
}

/** Reads events until one is as asked for. */
async function eventsUntil(
  response: Response,
  isLast: (name: string, data: never) => boolean,
): Promise<string[]> {
  const names: string[] = [];
  let text = "";
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    for (const [, name = "", data = ""] of text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)) {
      names.push(name);
      if (isLast(name, JSON.parse(data) as never)) return names;
    }
    text = text.slice(text.lastIndexOf("\n\n") + 2);
  }
  return names;
}

Deno.test("LiveStatus begins with the status and the changes of before, and tells new ones and rows as they come", async () => {
  const service = new Service();
  service.live.changed("rtb-1", change("10.1.0.0/16"));
  assert.equal(service.looks, 0);
  const response = service.live.events();
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  service.live.routes(null);
  service.prefixes = ["10.2.0.0/16"];
  service.live.changed("rtb-1", change("10.2.0.0/16"));
  const seen: unknown[] = [];
  const names = await eventsUntil(
    response,
    (name, data: { rows?: RouteRow[]; whole?: boolean; changes?: unknown[] }) => {
      if (name === "changes") seen.push([data.whole, data.changes?.length]);
      return name === "rows" && data.rows?.[0]?.prefix === "10.2.0.0/16";
    },
  );
  assert.deepEqual(names.slice(0, 2), ["status", "changes"]);
  assert.deepEqual(seen, [[true, 1], [false, 1]]);
  service.live.close();
});

Deno.test("LiveStatus answers 304 to who knows the rows", async () => {
  const service = new Service();
  service.prefixes = ["10.1.0.0/16"];
  const first = service.live.routes(null);
  const tag = first.headers.get("etag") ?? "";
  assert.equal((await first.json()).rows.length, 1);
  assert.equal(service.live.routes(tag).status, 304);
  assert.equal(service.live.routes(`"other", W/${tag}`).status, 304);
  assert.equal(service.live.routes('"other"').status, 200);
  service.live.close();
});

Deno.test("LiveStatus keeps the last 200 changes", async () => {
  const service = new Service();
  for (let index = 0; index < 500; index++) service.live.changed("rtb-1", change(`10.0.${index}.0/24`));
  await eventsUntil(service.live.events(), (name, data: { changes: { prefix: string }[] }) => {
    if (name !== "changes") return false;
    assert.deepEqual([data.changes.length, data.changes[0]?.prefix], [200, "10.0.499.0/24"]);
    return true;
  });
  service.live.close();
});

Deno.test("LiveStatus sends who comes when too many follow away", () => {
  const service = new Service();
  for (let index = 0; index < mostStreams; index++) assert.equal(service.live.events().status, 200);
  assert.equal(service.live.events().status, 503);
  service.live.close();
});

Deno.test("LiveStatus reports what fails in a timer, and goes on", async () => {
  const failures: unknown[] = [];
  let fails = true;
  const live = new LiveStatus({
    status: () => ({}),
    forget: () => {},
    rows: () => {
      if (fails) throw new Error("a defect");
      return { rows: [rowOf("10.1.0.0/16")], leftOut: 0 };
    },
  }, (error) => {
    failures.push(error);
    fails = false;
  });
  const response = live.events();
  live.news();
  await eventsUntil(response, (name) => name === "rows");
  assert.equal(failures.length, 1);
  live.close();
});
