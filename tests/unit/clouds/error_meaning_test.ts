import assert from "node:assert/strict";
import type { Cloud } from "../../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import { meaningOf, needsCorrection } from "../../../src/clouds/error_meaning.ts";
import { checkCloud, failedFinding } from "../../../src/clouds/kit/doctor.ts";

const { signal } = new AbortController();
const kinds: readonly CloudErrorKind[] = [
  "throttled",
  "quota",
  "denied",
  "conflict",
  "gone",
  "unavailable",
  "invalid",
  "malformed",
];

Deno.test("an error that waiting heals is retried with back-off, so that it does heal", () => {
  for (const kind of kinds.filter((each) => meaningOf({ kind: each }).healsByItself)) {
    assert.equal(meaningOf({ kind }).retry, "back-off", kind);
    assert.equal(needsCorrection({ kind }), false, kind);
  }
});

Deno.test("what only a person can change is never retried sooner than in a minute, but for an answer that makes no sense", () => {
  const soon = kinds.filter((kind) => {
    const { healsByItself, retry } = meaningOf({ kind });
    return !healsByItself && retry === "back-off";
  });
  assert.deepEqual(soon, ["malformed"]);
});

for (const kind of kinds) {
  const verdict = meaningOf({ kind }).healsByItself ? "unknown" : "bad";
  Deno.test(`failedFinding() of an error "${kind}" is ${verdict}, and so of an identity`, async () => {
    const error = new CloudError(kind, "Cannot read router r-1: no");
    const detail = error.message;
    assert.deepEqual(failedFinding("quota", error, signal, () => undefined), {
      name: "quota",
      status: verdict,
      detail,
    });
    const failing = { identify: () => Promise.reject(error) } as Partial<Cloud> as Cloud;
    const [identity, ...others] = await checkCloud(failing, { fix: false }, signal);
    assert.deepEqual([identity?.name, identity?.status, identity?.detail, others], [
      "identity",
      verdict,
      detail,
      [],
    ]);
  });
}

Deno.test("failedFinding() takes the remedy that the error carries before what the cloud says of its kind", () => {
  const own = new CloudError("denied", "no", { remedy: "set OS_USERNAME" });
  assert.equal(failedFinding("x", own, signal, () => "ask").remedy, "set OS_USERNAME");
  assert.equal(failedFinding("x", new CloudError("denied", "no"), signal, () => "ask").remedy, "ask");
});

Deno.test("failedFinding() is bad where there is something to do, though waiting might heal it", () => {
  const error = new CloudError("unavailable", "no credentials yet");
  assert.equal(failedFinding("x", error, signal, () => "give the instance a role").status, "bad");
});

Deno.test("failedFinding() throws what is no error of a cloud, and the caller's reason first", () => {
  assert.throws(() => failedFinding("x", new TypeError("a bug"), signal, () => undefined), TypeError);
  const error = new CloudError("denied", "no");
  const stopped = AbortSignal.abort(new Error("told to stop"));
  assert.throws(() => failedFinding("x", error, stopped, () => undefined), /told to stop/);
});
