import assert from "node:assert/strict";
import * as v from "valibot";
import { CloudError } from "../../../src/clouds/cloud_error.ts";
import type { ApiCall } from "../../../src/clouds/gcp/compute_api.ts";
import { errorOfAnswer } from "../../../src/clouds/gcp/errors.ts";
import { RouteQuota } from "../../../src/clouds/gcp/quota.ts";

const signal = new AbortController().signal;

/** A project's quota `ROUTES` as an operator sets it: the API tells it, or refuses. */
class Project {
  limit: number | null = 250;
  refusal: CloudError | null = null;
  calls = 0;

  send<T>(request: ApiCall<T>): Promise<T> {
    this.calls++;
    if (this.refusal !== null) return Promise.reject(this.refusal);
    const quotas = this.limit === null ? [] : [{ metric: "ROUTES", limit: this.limit, usage: 3 }];
    return Promise.resolve(v.parse(request.answer, { quotas }));
  }
}

/** A quota with a clock that is set by hand. */
function bench(): { readonly project: Project; readonly quota: RouteQuota; readonly clock: { now: number } } {
  const project = new Project();
  const clock = { now: 0 };
  return { project, quota: new RouteQuota(project, "prod", () => clock.now), clock };
}

/** What is read, as `used/limit`, for a network with two static routes. */
async function read(quota: RouteQuota): Promise<readonly string[]> {
  return (await quota.read(2, signal)).map(({ used, limit }) => `${used}/${limit}`);
}

function full(limit: number): CloudError {
  return new CloudError("quota", "Cannot add route r: full", { limit });
}

Deno.test("RouteQuota believes what a refusal taught of the network for a minute", async () => {
  const { quota, clock } = bench();
  await read(quota);
  quota.learn(full(100));
  clock.now = 59_999;
  assert.deepEqual(await read(quota), ["3/250", "2/100"]);
  clock.now = 60_000;
  assert.deepEqual(await read(quota), ["3/250"]);
});

Deno.test("RouteQuota believes the latest refusal, though an earlier one named less", async () => {
  const { quota } = bench();
  quota.learn(full(100));
  quota.learn(full(200));
  assert.deepEqual(await read(quota), ["3/250", "2/200"]);
});

Deno.test("RouteQuota learns nothing from a refusal that names the project's limit, which may be raised", async () => {
  const { project, quota } = bench();
  await read(quota);
  quota.learn(full(250));
  project.limit = 1000;
  assert.deepEqual(await read(quota), ["3/1000"]);
});

Deno.test("RouteQuota learns the limit that the project does not tell", async () => {
  const { project, quota, clock } = bench();
  project.limit = null;
  assert.deepEqual(await read(quota), ["2/null"]);
  quota.learn(full(250));
  assert.deepEqual(await read(quota), ["2/250"]);
  clock.now = 60_000;
  assert.deepEqual(await read(quota), ["2/null"]);
});

Deno.test("RouteQuota asks again a minute after it was denied, and not sooner", async () => {
  const { project, quota, clock } = bench();
  project.refusal = new CloudError("denied", "Cannot read the quotas of project prod: 403", { status: 403 });
  assert.deepEqual(await read(quota), ["2/null"]);
  project.refusal = null;
  clock.now = 59_999;
  assert.deepEqual(await read(quota), ["2/null"]);
  assert.equal(project.calls, 1);
  clock.now = 60_000;
  assert.deepEqual(await read(quota), ["3/250"]);
});

Deno.test("RouteQuota throws while the project cannot be asked", async () => {
  const { project, quota } = bench();
  project.refusal = new CloudError("unavailable", "Cannot read the quotas of project prod: 503");
  await assert.rejects(read(quota), /503/);
  project.refusal = null;
  assert.deepEqual(await read(quota), ["3/250"]);
});

Deno.test("RouteQuota asks again at once when only the token was refused", async () => {
  const { project, quota } = bench();
  const answer = { status: 401, headers: new Headers(), body: null };
  project.refusal = errorOfAnswer("read the quotas of project prod", answer, "compute.projects.get");
  await assert.rejects(read(quota), /401/);
  project.refusal = null;
  assert.deepEqual(await read(quota), ["3/250"]);
});
