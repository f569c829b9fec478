import assert from "node:assert/strict";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import type { WantedRoute } from "../../../src/routes/route_judge.ts";
import { WantedRoutes } from "../../../src/sync/wanted_routes.ts";

function route(prefix: string, metric = 20): WantedRoute {
  return { prefix: parsePrefix(prefix), nextHops: [], metric, protocol: 186 };
}

const [one, two, three] = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"].map((prefix) => route(prefix));
assert.ok(one !== undefined && two !== undefined && three !== undefined);

Deno.test("WantedRoutes.moment() shows what was wanted then, whatever is set, taken away and set again since", () => {
  const wanted = new WantedRoutes([[one.prefix.text, one], [two.prefix.text, two]]);
  const moment = wanted.moment();
  wanted.set(one.prefix.text, route(one.prefix.text, 5));
  wanted.set(one.prefix.text, route(one.prefix.text, 7));
  wanted.delete(two.prefix.text);
  wanted.set(three.prefix.text, three);
  assert.equal(moment.get(one.prefix.text), one);
  assert.equal(moment.get(two.prefix.text), two);
  assert.equal(moment.get(three.prefix.text), undefined);
  wanted.clear();
  assert.equal(moment.get(one.prefix.text), one);
  assert.equal(wanted.size, 0);
});

Deno.test("WantedRoutes.moment() tells what has come to be wanted since, and not what is as it was", () => {
  const wanted = new WantedRoutes([[one.prefix.text, one], [two.prefix.text, two]]);
  const moment = wanted.moment();
  wanted.delete(two.prefix.text);
  wanted.set(three.prefix.text, three);
  const isSince = [one, two, three].map(({ prefix: { text } }) => moment.isWantedSince(text));
  assert.deepEqual(isSince, [false, false, true]);
});

Deno.test("WantedRoutes keeps several moments, each until it is ended", () => {
  const wanted = new WantedRoutes([[one.prefix.text, one]]);
  const before = wanted.moment();
  wanted.delete(one.prefix.text);
  const after = wanted.moment();
  before.end();
  wanted.set(one.prefix.text, one);
  assert.equal(after.get(one.prefix.text), undefined);
});
