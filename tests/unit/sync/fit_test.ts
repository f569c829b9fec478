/** The order of changes, and who stays when a quota does not take all. */

import assert from "node:assert/strict";
import type { CloudQuota } from "../../../src/clouds/cloud.ts";
import { fit } from "../../../src/sync/fit.ts";
import type { PlannedChange } from "../../../src/sync/planned_change.ts";
import { addChange, deleteChange, hopQuota, quota, replaceChange, signed } from "../../fakes/cloud_routes.ts";

interface Parts {
  readonly adds?: readonly PlannedChange[];
  readonly replaces?: readonly PlannedChange[];
  readonly deletes?: readonly PlannedChange[];
}

/** The waves and what does not fit, as signed prefixes. */
function fitted(
  { adds = [], replaces = [], deletes = [] }: Parts,
  quotas: readonly CloudQuota[] = [],
  metrics: Readonly<Record<string, number>> = {},
): { readonly waves: readonly (readonly string[])[]; readonly overQuota: readonly string[] } {
  const { waves, overQuota } = fit({ adds, replaces, deletes }, quotas, ({ text }) => metrics[text] ?? 20);
  return { waves: waves.map(signed), overQuota: signed(overQuota) };
}

Deno.test("fit() replaces, then adds, then deletes, the more specific first", () => {
  const { waves } = fitted({
    adds: [addChange("10.0.0.0/8"), addChange("10.1.0.0/16")],
    replaces: [replaceChange("172.16.0.0/12"), replaceChange("172.16.1.0/24")],
    deletes: [deleteChange("192.168.0.0/16"), deleteChange("192.168.1.0/24")],
  });
  assert.deepEqual(waves.flat(), [
    "~ 172.16.1.0/24",
    "~ 172.16.0.0/12",
    "+ 10.1.0.0/16",
    "+ 10.0.0.0/8",
    "- 192.168.1.0/24",
    "- 192.168.0.0/16",
  ]);
});

Deno.test("fit() puts into one wave what does not depend on one another, and what covers it into a later one", () => {
  const { waves } = fitted({
    adds: [addChange("10.2.0.0/16"), addChange("10.1.1.0/24"), addChange("10.0.0.0/8")],
    deletes: [deleteChange("10.3.0.0/16"), deleteChange("192.168.0.0/16")],
  });
  assert.deepEqual(waves, [
    ["+ 10.1.1.0/24", "+ 10.2.0.0/16"],
    ["+ 10.0.0.0/8"],
    ["- 10.3.0.0/16", "- 192.168.0.0/16"],
  ]);
});

Deno.test("fit() makes no more replaces at once than there are places spare, and the adds after them", () => {
  const quotas = [{ ...hopQuota(8, 11), immutable: true }];
  const replaces = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16"].map((text) =>
    replaceChange(text)
  );
  const { waves } = fitted({ replaces, adds: [addChange("10.5.0.0/16")] }, quotas);
  assert.deepEqual(waves.map(({ length }) => length), [3, 2]);
  assert.equal(waves[1]?.[1], "+ 10.5.0.0/16");
});

Deno.test("fit() makes no waves of nothing", () => {
  assert.deepEqual(fitted({}), { waves: [], overQuota: [] });
});

Deno.test("fit() keeps adds before deletes as long as there is room", () => {
  const parts = { adds: [addChange("10.1.0.0/16")], deletes: [deleteChange("10.2.0.0/16")] };
  assert.deepEqual(fitted(parts, [quota(9, 10)]).waves.flat(), ["+ 10.1.0.0/16", "- 10.2.0.0/16"]);
});

Deno.test("fit() puts adds behind the deletes that make their room", () => {
  const parts = { adds: [addChange("10.1.0.0/16")], deletes: [deleteChange("10.2.0.0/16")] };
  assert.deepEqual(fitted(parts, [quota(10, 10)]).waves.flat(), ["- 10.2.0.0/16", "+ 10.1.0.0/16"]);
});

Deno.test("fit() lets the lower metric, then the shorter prefix, then the lower address stay", () => {
  const adds = ["10.3.0.0/16", "10.2.0.0/16", "10.1.0.0/24", "10.9.9.9/32"].map((text) => addChange(text));
  const metrics = { "10.9.9.9/32": 5 };
  assert.deepEqual(fitted({ adds }, [quota(0, 1)], metrics).waves.flat(), ["+ 10.9.9.9/32"]);
  assert.deepEqual(fitted({ adds }, [quota(0, 2)], metrics).waves.flat(), ["+ 10.9.9.9/32", "+ 10.2.0.0/16"]);
  assert.deepEqual(fitted({ adds }, [quota(0, 3)], metrics).overQuota, ["+ 10.1.0.0/24"]);
});

Deno.test("fit() never counts replaces against a quota of routes, nor those of as many hops against any", () => {
  const parts = { replaces: [replaceChange("10.1.0.0/16")] };
  const done = { waves: [["~ 10.1.0.0/16"]], overQuota: [] };
  assert.deepEqual(fitted(parts, [quota(10, 10)]), done);
  assert.deepEqual(fitted({ replaces: [replaceChange("10.1.0.0/16", "a,b,c")] }, [quota(10, 10)]), done);
  assert.deepEqual(fitted(parts, [hopQuota(10, 10)]), done);
});

Deno.test("fit() gives an add as many places as it has next hops, where each takes one", () => {
  const adds = [addChange("10.1.0.0/16", "a,b,c"), addChange("10.2.0.0/16", "a")];
  assert.deepEqual(fitted({ adds }, [hopQuota(6, 10)]).overQuota, []);
  assert.deepEqual(fitted({ adds }, [hopQuota(7, 10)]).overQuota, ["+ 10.2.0.0/16"]);
  assert.deepEqual(fitted({ adds }, [hopQuota(8, 10)]).overQuota, ["+ 10.1.0.0/16"]);
  assert.deepEqual(fitted({ adds }, [quota(8, 10)]).overQuota, []);
});

Deno.test("fit() lets a delete free as many places as it has next hops", () => {
  const deletes = [deleteChange("10.3.0.0/16", "a,b")];
  const parts = { adds: [addChange("10.1.0.0/16", "a,b")], deletes };
  assert.deepEqual(fitted(parts, [hopQuota(10, 10)]).waves.flat(), ["- 10.3.0.0/16", "+ 10.1.0.0/16"]);
  const more = { adds: [addChange("10.1.0.0/16", "a,b,c")], deletes };
  assert.deepEqual(fitted(more, [hopQuota(10, 10)]).overQuota, ["+ 10.1.0.0/16"]);
});

Deno.test("fit() makes a replace by more next hops when there is room, after deletes if need be, and before adds", () => {
  const replaces = [replaceChange("10.9.0.0/24", "a,b,c", "a")];
  const adds = [addChange("10.1.0.0/16", "a")];
  const deletes = [deleteChange("10.3.0.0/16", "a,b,c")];
  assert.deepEqual(fitted({ replaces, adds }, [hopQuota(8, 10)]), {
    waves: [["~ 10.9.0.0/24"]],
    overQuota: ["+ 10.1.0.0/16"],
  });
  assert.deepEqual(fitted({ replaces, adds }, [hopQuota(9, 10)]), {
    waves: [["+ 10.1.0.0/16"]],
    overQuota: ["~ 10.9.0.0/24"],
  });
  assert.deepEqual(fitted({ replaces, adds, deletes }, [hopQuota(10, 10)]), {
    waves: [["- 10.3.0.0/16"], ["~ 10.9.0.0/24", "+ 10.1.0.0/16"]],
    overQuota: [],
  });
});

Deno.test("fit() gives the places that a replace frees to what comes after it", () => {
  const replaces = [replaceChange("10.9.0.0/24", "a", "a,b,c"), replaceChange("10.8.0.0/16", "a,b", "a")];
  const adds = [addChange("10.1.0.0/16", "a")];
  const { waves, overQuota } = fitted({ replaces, adds }, [hopQuota(10, 10)]);
  assert.deepEqual(waves, [["~ 10.9.0.0/24"], ["~ 10.8.0.0/16", "+ 10.1.0.0/16"]]);
  assert.deepEqual(overQuota, []);
});

Deno.test("fit() wants one place free for replaces, however many, where a route cannot be changed", () => {
  const immutable = (used: number): CloudQuota => ({ ...hopQuota(used, 10), immutable: true });
  const replaces = [replaceChange("10.1.0.0/16"), replaceChange("10.2.0.0/16")];
  assert.deepEqual(fitted({ replaces }, [immutable(9)]).overQuota, []);
  assert.deepEqual(fitted({ replaces }, [immutable(10)]).overQuota, ["~ 10.1.0.0/16", "~ 10.2.0.0/16"]);
  const two = [replaceChange("10.1.0.0/16", "eni-2,eni-3", "eni-1,eni-4")];
  assert.deepEqual(fitted({ replaces: two }, [immutable(9)]).overQuota, ["~ 10.1.0.0/16"]);
  assert.deepEqual(fitted({ replaces: two }, [immutable(8)]).overQuota, []);
  const deletes = [deleteChange("10.3.0.0/16")];
  assert.deepEqual(fitted({ replaces, deletes }, [immutable(10)]).waves.flat(), [
    "- 10.3.0.0/16",
    "~ 10.1.0.0/16",
    "~ 10.2.0.0/16",
  ]);
});

Deno.test("fit() takes everything where no limit is known", () => {
  assert.deepEqual(fitted({ adds: [addChange("10.1.0.0/16")] }, [quota(7, null)]).overQuota, []);
});

Deno.test("fit() gives each family its own quota", () => {
  const adds = ["10.1.0.0/16", "2001:db8::/32"].map((text) => addChange(text));
  const { waves, overQuota } = fitted({ adds }, [quota(10, 10), quota(0, 10, [6])]);
  assert.deepEqual(waves.flat(), ["+ 2001:db8::/32"]);
  assert.deepEqual(overQuota, ["+ 10.1.0.0/16"]);
});

Deno.test("fit() shares a quota that counts both families", () => {
  const adds = ["10.1.0.0/16", "10.2.0.0/16", "2001:db8::/32", "2001:db8:1::/48"].map((text) =>
    addChange(text)
  );
  const { waves, overQuota } = fitted({ adds }, [quota(0, 2, [4, 6])]);
  assert.deepEqual(waves.flat(), ["+ 10.1.0.0/16", "+ 10.2.0.0/16"]);
  assert.deepEqual(overQuota, ["+ 2001:db8::/32", "+ 2001:db8:1::/48"]);
});

Deno.test("fit() lets a delete of one family make room for the other where they share a quota", () => {
  const parts = { adds: [addChange("2001:db8::/32")], deletes: [deleteChange("10.2.0.0/16")] };
  assert.deepEqual(fitted(parts, [quota(2, 2, [4, 6])]).waves.flat(), ["- 10.2.0.0/16", "+ 2001:db8::/32"]);
  assert.deepEqual(fitted(parts, [quota(2, 2), quota(2, 2, [6])]).overQuota, ["+ 2001:db8::/32"]);
});

Deno.test("fit() pays what is over the quota before it gives room away", () => {
  const parts = {
    adds: [addChange("10.1.0.0/16"), addChange("10.2.0.0/16")],
    deletes: [deleteChange("10.3.0.0/16"), deleteChange("10.4.0.0/16")],
  };
  assert.deepEqual(fitted(parts, [quota(11, 10)]).overQuota, ["+ 10.2.0.0/16"]);
  assert.deepEqual(fitted(parts, [quota(12, 10)]).overQuota, ["+ 10.1.0.0/16", "+ 10.2.0.0/16"]);
});
