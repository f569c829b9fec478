/** Credentials of the instance's role, by metadata of version 2 alone. */

import assert from "node:assert/strict";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import { endMoto, isKind, rigTest, signal } from "./aws_subject.ts";

Deno.test.afterAll(endMoto);

rigTest("credentials that do not come are an outage, over when they come", async ({ rig, open }) => {
  const cloud = open();
  await cloud.identify(signal);
  rig.metadata.status = 503;
  await assert.rejects(
    cloud.locate(signal),
    (error) => error instanceof CloudError && error.kind === "unavailable" && error.action === undefined,
  );
  rig.metadata.status = null;
  assert.deepEqual(await cloud.locate(signal), []);
});

rigTest("metadata of version 1 is never asked, not even for credentials", async ({ rig, open }) => {
  rig.metadata.status = 403;
  await assert.rejects(open().locate(signal), isKind("denied"));
  assert.deepEqual(new Set(rig.metadata.paths), new Set(["api/token"]));
});
