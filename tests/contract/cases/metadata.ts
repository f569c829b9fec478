/** A metadata service that is not there yet, or answers what makes no sense. */

import assert from "node:assert/strict";
import { failure, never, only } from "../helpers.ts";
import type { Bench } from "../rig.ts";

/** What stands between a VM and its metadata service may answer in its place: a captive portal, a proxy, a service half up. */
const nonsense: Readonly<Record<string, () => Response>> = {
  "a web page": () =>
    new Response("<!doctype html>\n<html>log in</html>\n", { headers: { "content-type": "text/html" } }),
  "an empty text": () => new Response(""),
  "the start of a document": () => Response.json({ compute: {} }),
  "broken JSON": () =>
    new Response('{"compute": {"name": "rou', { headers: { "content-type": "application/json" } }),
};

export const metadataCases = {
  async "identify() waits for nobody: a metadata service that comes late is unavailable, then heals"(
    { rig, open }: Bench,
  ): Promise<void> {
    const subject = await open();
    await rig.metadata.shut();
    for (let time = 0; time < 2; time++) {
      const error = await failure(subject.identify(never));
      assert.equal(error.kind, "unavailable", error.message);
      assert.match(error.message, /^Cannot /);
    }
    rig.metadata.open();
    assert.deepEqual((await subject.identify(never)).self, rig.self);
    only(await subject.prepare(never));
  },

  async "identify() is unavailable while the metadata service says 503, then heals"(
    { rig, open }: Bench,
  ): Promise<void> {
    const subject = await open();
    rig.metadata.answer(() => new Response("not now", { status: 503 }));
    const error = await failure(subject.identify(never));
    assert.equal(error.kind, "unavailable", error.message);
    await rig.heal();
    assert.deepEqual((await subject.identify(never)).self, rig.self);
  },

  async "identify() is throttled while the metadata service says 429, then heals"(
    { rig, open }: Bench,
  ): Promise<void> {
    const subject = await open();
    rig.metadata.answer(() => new Response("too many", { status: 429 }));
    const error = await failure(subject.identify(never));
    assert.equal(error.kind, "throttled", error.message);
    await rig.heal();
    assert.deepEqual((await subject.identify(never)).self, rig.self);
  },

  async "identify() trusts no metadata service that answers nonsense, then heals"(
    { rig, open }: Bench,
  ): Promise<void> {
    for (const [what, make] of Object.entries(nonsense)) {
      const subject = await open();
      rig.metadata.answer(make);
      const error = await failure(subject.identify(never));
      assert.ok(["malformed", "unavailable"].includes(error.kind), `${what}: ${error.kind} ${error.message}`);
      assert.match(error.message, /^Cannot /);
      await rig.heal();
      assert.deepEqual((await subject.identify(never)).self, rig.self, what);
    }
  },
};
