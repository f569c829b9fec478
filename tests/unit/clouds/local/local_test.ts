/** The embedded cloud: quota, ownership, conflicts, and a file that loses nothing. */

import assert from "node:assert/strict";
import type { Change, CloudRoute, CloudTable, TableState } from "../../../../src/clouds/cloud.ts";
import { openLocal } from "../../../../src/clouds/local/local.ts";
import { parsePrefix } from "../../../../src/routes/prefix.ts";
import { addChange, cloudRoute } from "../../../fakes/cloud_routes.ts";
import { localOptions } from "../../../fakes/cloud_options.ts";
import { inTemporaryFolder } from "../../../fakes/temporary_folder.ts";
import { ConnectedCloud } from "../../../fakes/connected_cloud.ts";

const never = new AbortController().signal;

interface Opened {
  readonly path: string;
  readonly cloud: ConnectedCloud;
  readonly table: CloudTable;
  readonly read: () => Promise<TableState>;
  /** Writes changes and yields the kind of each failure, null where it is done. */
  readonly write: (...changes: readonly Change[]) => Promise<readonly (string | null)[]>;
}

/** Runs a test on a cloud whose file has some content; null: no file. */
async function onFile(content: string | null, body: (opened: Opened) => Promise<void>): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const path = `${folder}/cloud.json`;
    if (content !== null) await Deno.writeTextFile(path, content);
    const cloud = new ConnectedCloud(openLocal(localOptions(path)));
    const [table] = await cloud.locate(never);
    assert.ok(table !== undefined);
    const read = (): Promise<TableState> => cloud.read(table, never);
    const write = async (...changes: readonly Change[]): Promise<readonly (string | null)[]> => {
      const result = await cloud.write(
        table,
        changes,
        { table, routes: [], quotas: [], version: null },
        never,
      );
      return result.outcomes.map((error) => error?.kind ?? null);
    };
    await body({ path, cloud, table, read, write });
  });
}

function fileOf(
  routes: readonly unknown[],
  rest: Record<string, unknown> = { version: 7, quota: 500 },
): string {
  return JSON.stringify({ ...rest, routes });
}

function replaceOf(from: CloudRoute, to: string): Change {
  return { action: "replace", prefix: from.prefix, from, to: [to] };
}

function deleteOf(from: CloudRoute): Change {
  return { action: "delete", prefix: from.prefix, from, to: null };
}

const prefix = "198.51.100.0/24";
const ours = { prefix, nextHop: "10.0.0.4", owner: "cloudroutesync" };
const foreign = { prefix: "0.0.0.0/0", nextHop: "10.0.0.1", owner: "operator" };

Deno.test("the local cloud takes a file that does not exist for an empty table, and creates it with the first route", async () => {
  await onFile(null, async ({ path, read, write }) => {
    assert.deepEqual((await read()).routes, []);
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
    assert.deepEqual(await write(addChange(prefix, "10.0.0.4")), [null]);
    assert.deepEqual(JSON.parse(await Deno.readTextFile(path)), { version: 1, quota: 500, routes: [ours] });
  });
});

Deno.test("the local cloud adds, replaces and deletes, and its version grows by one a write", async () => {
  await onFile(fileOf([foreign]), async ({ path, write }) => {
    const version = async (): Promise<unknown> => JSON.parse(await Deno.readTextFile(path))["version"];
    await write(addChange(prefix, "10.0.0.4"), addChange("192.0.2.0/24", "10.0.0.4"));
    assert.equal(await version(), 8);
    await write(replaceOf(cloudRoute(prefix, "10.0.0.4"), "10.0.0.9"));
    assert.equal(await version(), 9);
    await write(deleteOf(cloudRoute("192.0.2.0/24", "10.0.0.4")));
    assert.equal(await version(), 10);
    const { routes } = JSON.parse(await Deno.readTextFile(path));
    assert.deepEqual(routes, [foreign, { ...ours, nextHop: "10.0.0.9" }]);
  });
});

Deno.test("the local cloud tells the state after a write, as a reading would", async () => {
  await onFile(fileOf([foreign]), async ({ cloud, table, read }) => {
    const before = await read();
    const { state } = await cloud.write(table, [addChange(prefix, "10.0.0.4")], before, never);
    assert.deepEqual(state, await read());
    assert.deepEqual(state?.quotas, [{ families: [4, 6], used: 2, limit: 500 }]);
    assert.equal(state?.version, "8");
  });
});

Deno.test("the local cloud leaves the file alone when no change takes effect", async () => {
  const text = fileOf([foreign]);
  await onFile(text, async ({ path, write }) => {
    assert.deepEqual(await write(deleteOf(cloudRoute(prefix, "10.0.0.4"))), ["conflict"]);
    assert.equal(await Deno.readTextFile(path), text);
  });
});

Deno.test("the local cloud keeps foreign routes, unknown fields and their order", async () => {
  const strange = {
    comment: "ours since 2019",
    owner: "operator",
    prefix: "0.0.0.0/0",
    nextHop: "10.0.0.1",
    tags: [1],
  };
  const text = fileOf([strange], { note: { by: "me" }, version: 7, quota: 9 });
  await onFile(text, async ({ path, write }) => {
    await write(addChange(prefix, "10.0.0.4"));
    const after = await Deno.readTextFile(path);
    assert.ok(after.includes(JSON.stringify(strange)), after);
    assert.deepEqual(JSON.parse(after), {
      note: { by: "me" },
      version: 8,
      quota: 9,
      routes: [strange, ours],
    });
  });
});

Deno.test("the local cloud takes a route without owner for a foreign one, and keeps it as it is", async () => {
  const bare = { prefix: "203.0.113.0/24", nextHop: "10.0.0.99", note: "by hand" };
  await onFile(fileOf([bare]), async ({ path, read, cloud }) => {
    const state = await read();
    assert.deepEqual(state.routes.map(({ prefix: { text }, owner }) => `${text} ${owner}`), [
      "203.0.113.0/24 null",
    ]);
    const add: Change = { action: "add", prefix: parsePrefix(prefix), from: null, to: ["10.0.0.4"] };
    assert.deepEqual((await cloud.write(state.table, [add], state, never)).outcomes, [null]);
    const document = JSON.parse(await Deno.readTextFile(path));
    assert.deepEqual(document.routes[0], bare);
    const [refused] =
      (await cloud.write(state.table, [{ ...add, prefix: parsePrefix(bare.prefix) }], state, never)).outcomes;
    assert.match(refused?.message ?? "", /the file has a route of an operator to 10\.0\.0\.99 there/);
  });
});

Deno.test("the local cloud takes no other owner's name for a mark, so that -adopt may take the route", async () => {
  await onFile(fileOf([foreign, ours]), async ({ read }) => {
    const routes = (await read()).routes.map(({ prefix: { text }, owner }) => `${text} ${owner}`);
    assert.deepEqual(routes, ["0.0.0.0/0 null", `${prefix} cloudroutesync`]);
  });
});

Deno.test("the local cloud takes no more routes than its quota, and says which limit it was", async () => {
  await onFile(fileOf([foreign], { version: 1, quota: 2 }), async ({ cloud, table, read }) => {
    const changes = [addChange(prefix, "10.0.0.4"), addChange("192.0.2.0/24", "10.0.0.4")];
    const { outcomes } = await cloud.write(table, changes, await read(), never);
    assert.deepEqual(outcomes.map((error) => error?.kind ?? null), [null, "quota"]);
    assert.equal(outcomes[1]?.limit, 2);
    assert.equal(outcomes[1]?.message, "Cannot add 192.0.2.0/24: the quota of 2 routes is used up");
    assert.equal((await read()).routes.length, 2);
  });
});

Deno.test("the local cloud lets a delete make room for an add of the same write", async () => {
  await onFile(fileOf([ours], { version: 1, quota: 1 }), async ({ write }) => {
    assert.deepEqual(
      await write(deleteOf(cloudRoute(prefix, "10.0.0.4")), addChange("192.0.2.0/24", "10.0.0.4")),
      [null, null],
    );
  });
});

Deno.test("the local cloud takes no change whose route is not as it was read", async () => {
  await onFile(fileOf([ours, foreign]), async ({ read, write }) => {
    const read1 = cloudRoute(prefix, "10.0.0.77");
    assert.deepEqual(
      await write(
        addChange(prefix, "10.0.0.4"),
        replaceOf(read1, "10.0.0.9"),
        deleteOf(read1),
        replaceOf(cloudRoute("192.0.2.0/24", "10.0.0.4"), "10.0.0.9"),
        deleteOf(cloudRoute("0.0.0.0/0", "10.0.0.1")),
      ),
      ["conflict", "conflict", "conflict", "conflict", "conflict"],
    );
    assert.equal((await read()).version, "7");
  });
});

Deno.test("the local cloud adopts a foreign route that is named as such", async () => {
  await onFile(fileOf([foreign]), async ({ read, write }) => {
    assert.deepEqual(await write(replaceOf(cloudRoute("0.0.0.0/0", "10.0.0.1", "operator"), "10.0.0.4")), [
      null,
    ]);
    assert.equal((await read()).routes[0]?.owner, "cloudroutesync");
  });
});

const corrupt: readonly (readonly [string, string])[] = [
  ["not JSON", "{"],
  ["empty", ""],
  ["not an object", "[]"],
  ["without version", '{"routes": []}'],
  ["of a negative version", '{"version": -1, "routes": []}'],
  ["without routes", '{"version": 1}'],
  ["with a bad prefix", fileOf([{ ...ours, prefix: "198.51.100.1/24" }])],
  ["with a prefix that is not canonical", fileOf([{ ...ours, prefix: "2001:DB8::/32" }])],
  ["with a route without next hop", fileOf([{ prefix, owner: "x" }])],
  ["with a prefix twice", fileOf([ours, { ...ours, owner: "operator" }])],
  ["with a quota that is no number", '{"version": 1, "quota": "many", "routes": []}'],
];

for (const [name, text] of corrupt) {
  Deno.test(`the local cloud neither reads nor overwrites a file ${name}`, async () => {
    await onFile(text, async ({ path, cloud, read, write }) => {
      const refused = {
        name: "CloudError",
        kind: "malformed",
        message: new RegExp(`^Cannot read local file ${path}: `),
      };
      await assert.rejects(read(), refused);
      await assert.rejects(write(addChange(prefix, "10.0.0.4")), refused);
      await assert.rejects(cloud.prepare(never), refused);
      assert.equal((await cloud.check({ fix: false }, never)).at(-1)?.status, "bad");
      assert.equal(await Deno.readTextFile(path), text);
    });
  });
}

/** Files that cannot be read, and what is said of each after its path. */
const sentences: readonly (readonly [string, string])[] = [
  ["{garbage", "it is not valid JSON: expected property name or '}' (line 1 column 2)"],
  [
    '{"version": 1,\n "routes": [garbage}\n',
    `it is not valid JSON: unexpected 'g' near routes": [garbage}`,
  ],
  ['{\n "version":\n', "it is not valid JSON: unexpected end of the file"],
  ['{"version": 1,\n "routes": [1,\n]}', `it is not valid JSON: unexpected ']' near tes": [1, ]}`],
  [
    '{"version": 1}}',
    "it is not valid JSON: unexpected non-whitespace character after JSON (line 1 column 15)",
  ],
  [
    '{"version": 1, "routes": "a\\nb"}',
    "routes is not a list",
  ],
  ['{"routes": []}', "version is missing"],
  ['{"version": 1}', "routes is missing"],
  ['{"version": "1", "routes": []}', "version is not a number"],
  ['{"version": 1.5, "routes": []}', "version is not a whole number"],
  ['{"version": 1, "quota": -1, "routes": []}', "quota is less than 0"],
  ["null", "it is not an object"],
  ['{"version": 1, "routes": [7]}', "routes.0 is not an object"],
  [fileOf([{ prefix, owner: "x" }]), "routes.0.nextHop is missing"],
  [fileOf([ours, { ...ours, prefix: "198.51.100.1/24" }]), "routes.1.prefix is not a canonical prefix"],
];

Deno.test("the local cloud says in one line what is wrong with its file, and where", async () => {
  for (const [text, why] of sentences) {
    await onFile(text, async ({ path, read }) => {
      await assert.rejects(read(), { message: `Cannot read local file ${path}: ${why}` });
    });
  }
});

Deno.test("the local cloud finds out before it begins that its file cannot be written", async () => {
  await inTemporaryFolder(async (folder) => {
    const cloud = new ConnectedCloud(openLocal(localOptions(`${folder}/absent/cloud.json`)));
    await assert.rejects(cloud.prepare(never), {
      kind: "invalid",
      message: /^Cannot write local file .*absent/,
    });
  });
});

Deno.test("the local cloud takes only a file for its file, and tries nothing else again", async () => {
  await inTemporaryFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/plain`, "{}");
    const sentences: Readonly<Record<string, string>> = {
      [folder]: `Cannot read local file ${folder}: it is a directory`,
      "/dev/zero": "Cannot read local file /dev/zero: it is no regular file",
      [`${folder}/plain/cloud.json`]: `Cannot read local file ${folder}/plain/cloud.json: not a directory`,
    };
    for (const [path, message] of Object.entries(sentences)) {
      const cloud = new ConnectedCloud(openLocal(localOptions(path)));
      const [table] = await cloud.locate(never);
      assert.ok(table !== undefined);
      const refused = { name: "ConfigurationError", kind: "invalid", message };
      await assert.rejects(cloud.read(table, never), refused);
      await assert.rejects(cloud.prepare(never), refused);
    }
  });
});

Deno.test("the local cloud loses nothing when many write at once", async () => {
  await onFile(null, async ({ path, cloud, table, read }) => {
    const state = await read();
    const other = new ConnectedCloud(openLocal(localOptions(path, { owner: "other" })));
    const add = (one: ConnectedCloud, number: number): Promise<unknown> =>
      one.write(table, [addChange(`10.${number}.0.0/16`, "10.0.0.4")], state, never);
    await Promise.all(
      Array.from({ length: 40 }, (_, number) => add(number % 2 === 0 ? cloud : other, number)),
    );
    const after = await read();
    assert.equal(after.routes.length, 40);
    assert.equal(after.version, "40");
    const text = await Deno.readTextFile(path);
    assert.equal(text.match(/"owner":"other"/g)?.length, 20);
  });
});

Deno.test("the local cloud knows this VM by the address it is given, and says when there is none", async () => {
  await onFile(null, async ({ path, cloud }) => {
    const identity = await cloud.identify(never);
    assert.deepEqual(identity.self, { 4: "10.0.0.4", 6: null });
    assert.deepEqual(identity.networks, [parsePrefix("10.0.0.0/24")]);
    const lost = new ConnectedCloud(openLocal(localOptions(path, { ownAddress: () => null })));
    await assert.rejects(lost.identify(never), { kind: "unavailable", message: /-self names one/ });
  });
});

Deno.test("the local cloud fails every call with -local-faults 1, always as something that may heal", async () => {
  await inTemporaryFolder(async (folder) => {
    const cloud = new ConnectedCloud(openLocal(localOptions(`${folder}/cloud.json`, { localFaults: 1 })));
    const [table] = await cloud.locate(never);
    assert.ok(table !== undefined);
    for (let call = 0; call < 20; call++) {
      await assert.rejects(cloud.read(table, never), (error: unknown) => {
        assert.ok(error instanceof Error && "kind" in error);
        assert.ok(error.kind === "unavailable" || error.kind === "throttled");
        return true;
      });
    }
  });
});
