import assert from "node:assert/strict";
import { ApiVersions } from "../../../../src/clouds/azure/api_version.ts";

const table = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/t";
const get = { method: "GET", path: table };
const put = { method: "PUT", path: table };
const refusal = {
  error: {
    code: "NoRegisteredProviderFound",
    message: "No. The supported api-versions are '2018-11-01, 2024-05-01, 2030-01-01-preview'.",
  },
};

/** A version that is 2024-05-01 at the moment 0. */
function lowered(): { versions: ApiVersions; clock: { now: number } } {
  const clock = { now: 0 };
  const versions = new ApiVersions(() => clock.now);
  assert.ok(versions.lower(versions.versionFor(get), refusal));
  return { versions, clock };
}

Deno.test("ApiVersions takes the newest version below the refused one", () => {
  const { versions } = lowered();
  assert.equal(versions.versionFor(get), "2024-05-01");
  assert.equal(versions.knowsEcmp, false);
});

Deno.test("ApiVersions tries the newest version again after an hour", () => {
  const { versions, clock } = lowered();
  clock.now = 3_599_999;
  assert.equal(versions.versionFor(get), "2024-05-01");
  clock.now = 3_600_000;
  assert.equal(versions.versionFor(get), "2026-01-01");
  assert.equal(versions.knowsEcmp, true);
});

Deno.test("ApiVersions writes a resource in the version in which it was read, whatever came since", () => {
  const { versions, clock } = lowered();
  assert.equal(versions.versionFor({ ...get, path: `${table.toUpperCase()}?$expand=x` }), "2024-05-01");
  clock.now = 3_600_000;
  assert.equal(versions.versionFor({ ...get, path: "/other" }), "2026-01-01");
  assert.equal(versions.versionFor(put), "2024-05-01");
  assert.equal(versions.writesBack(put), true);
  assert.equal(versions.writesBack({ ...put, path: `${table}/routes/r` }), false);
});

Deno.test("ApiVersions takes no other refusal for one of the version, and needs a lower one", () => {
  const versions = new ApiVersions(() => 0);
  assert.equal(versions.lower("2026-01-01", { error: { code: "Bad", message: "2024-05-01" } }), false);
  assert.equal(versions.lower("2026-01-01", { error: { code: "InvalidResourceType", message: "x" } }), false);
  assert.equal(versions.versionFor(get), "2026-01-01");
});
