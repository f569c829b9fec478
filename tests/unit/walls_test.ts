/**
 * Holds up the design's walls: data flows ffi → kernel → routes → sync → clouds, the part that decides is pure, and what costs
 * power or memory is reached only where it is meant to be.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { clouds } from "../../src/clouds/registry.ts";
import { findCycle, type Import, reachable, readModuleGraph, repositoryFolder } from "./module_graph.ts";

const graph = await readModuleGraph();
const modules = [...graph.keys()];
const running: readonly Import["kind"][] = ["static", "dynamic"];

/** What each part may import, besides itself: the data flow, read backwards. Types are no imports in this sense. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  "ffi/": [],
  "src/async/": [],
  "src/kernel/": ["ffi/", "src/async/", "src/routes/"],
  "src/kernel/wire/": ["ffi/system_error.ts", "src/routes/", "src/kernel/kernel_table.ts"],
  "src/kernel/table/": ["src/routes/", "src/kernel/kernel_table.ts", "src/kernel/wire/"],
  "src/kernel/dump/": [
    "ffi/",
    "src/async/",
    "src/routes/",
    "src/kernel/kernel_table.ts",
    "src/kernel/wire/",
    "src/kernel/table/",
  ],
  "src/routes/": [],
  "src/sync/": [
    "src/async/",
    "src/routes/",
    "src/kernel/kernel_table.ts",
    "src/clouds/cloud.ts",
    "src/clouds/cloud_error.ts",
    "src/clouds/error_meaning.ts",
    "src/clouds/prepared_tables.ts",
    "src/clouds/system_cause.ts",
  ],
  "src/clouds/": ["src/async/", "src/routes/"],
  "src/kubernetes/": [
    "src/async/",
    "src/routes/",
    "src/kernel/kernel_table.ts",
    "src/clouds/kit/transport.ts",
  ],
  "src/observe/": [
    "src/async/",
    "src/routes/",
    "src/sync/",
    "src/clouds/cloud.ts",
    "src/clouds/cloud_error.ts",
    "src/clouds/error_meaning.ts",
    "src/clouds/prepared_tables.ts",
  ],
};

/** The modules that decide; time and randomness come to them as arguments. */
const pure = modules.filter((name) =>
  name.startsWith("src/routes/") || /^src\/sync\/(plan|fit|waves|guard)\.ts$/.test(name)
);

/** Ways to the clock, to chance, to the network and to the machine. */
const impure =
  /\b(Deno|performance|crypto|process|globalThis|navigator)\s*[.[]|\b(Date|Temporal)\b|\bMath\s*\.\s*random\b|\b(fetch|setTimeout|setInterval|queueMicrotask)\s*\(/;

/** Texts and comments, neither of which runs; templates stay, for the code in them. */
const textOrComment = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|(`(?:\\.|[^`\\])*`)|\/\/.*|\/\*[^]*?\*\//g;

/** The source of a module without comments and texts. */
async function codeOf(name: string): Promise<string> {
  const source = await Deno.readTextFile(join(repositoryFolder, name));
  return source.replaceAll(textOrComment, (_, template: string | undefined) => template ?? '""');
}

/** Imports that break a rule, as `importer → imported`. */
function breaches(
  importers: readonly string[],
  allowed: (target: string, importer: string) => boolean,
  kinds: readonly Import["kind"][] = running,
): string[] {
  return importers.flatMap((importer) =>
    (graph.get(importer) ?? [])
      .filter(({ target, kind }) => kinds.includes(kind) && !allowed(target, importer))
      .map(({ target }) => `${importer} → ${target}`)
  );
}

/** `src/clouds/aws` of a file in it; null for what all clouds share, `src/clouds/kit` too. */
function cloudFolder(name: string): string | null {
  return name.match(/^src\/clouds\/(?!kit\/)[^/]+(?=\/)/)?.[0] ?? null;
}

const isPackage = (name: string): boolean => /^(npm|node):/.test(name);

Deno.test("module graph holds the whole program and no file that nothing uses", async () => {
  const files: string[] = [];
  for (const folder of ["ffi", "src"]) files.push(...await typescriptFiles(folder));
  assert.ok(files.length > 20);
  assert.deepEqual(files.filter((file) => !graph.has(file)), []);
});

Deno.test("routes, plan and guard use no Deno, clock, chance or network, nor does what they import", async () => {
  assert.ok(pure.includes("src/sync/plan.ts") && pure.includes("src/sync/guard.ts") && pure.length > 4);
  const reached = new Set(pure.flatMap((name) => [...reachable(graph, name, running)]));
  assert.deepEqual([...reached].filter(isPackage), []);
  const findings: string[] = [];
  for (const name of reached) {
    const line = (await codeOf(name)).split("\n").find((text) => impure.test(text));
    if (line !== undefined) findings.push(`${name}: ${line.trim()}`);
  }
  assert.deepEqual(findings, []);
});

Deno.test("only ffi opens libraries", async () => {
  const openers: string[] = [];
  for (const name of modules.filter((module) => module.endsWith(".ts") && !module.startsWith("ffi/"))) {
    if (/\bdlopen\b|\bUnsafe(Pointer|Callback|FnPointer)/.test(await codeOf(name))) openers.push(name);
  }
  assert.deepEqual(openers, []);
});

Deno.test("only the transport calls out", async () => {
  const callers: string[] = [];
  for (const name of modules.filter((module) => module.endsWith(".ts"))) {
    if (/\bfetch\s*\(|\bcreateHttpClient\b|\bDeno\.connect/.test(await codeOf(name))) callers.push(name);
  }
  // The client of the running service's socket reaches this machine alone; -peer-probe asks routers, not a cloud; what is link-local
  // takes a part of the transport of its own.
  const linkLocal = "src/clouds/kit/link_local_exchange.ts";
  assert.deepEqual(callers.sort(), [
    "src/cli/peer_probe.ts",
    "src/cli/service/service_client.ts",
    linkLocal,
    "src/clouds/kit/transport.ts",
  ]);
  const users = [...graph].filter(([, imports]) => imports.some(({ target }) => target === linkLocal));
  assert.deepEqual(users.map(([name]) => name), ["src/clouds/kit/transport.ts"]);
});

Deno.test("only the kernel's part and the command line import ffi", () => {
  const others = modules.filter((name) => !/^(ffi|src\/kernel|src\/cli)\//.test(name));
  assert.deepEqual(
    breaches(others, (target) => !target.startsWith("ffi/"), ["static", "dynamic", "type"]),
    [],
  );
});

Deno.test("each part imports only what lies before it in the flow of data", () => {
  for (const [part, others] of Object.entries(mayImport)) {
    const importers = modules.filter((name) => name.startsWith(part));
    const allowed = (target: string): boolean =>
      isPackage(target) || target.startsWith(part) || others.some((other) => target.startsWith(other));
    assert.deepEqual(
      breaches(importers, allowed),
      [],
      `${part} may import ${others.join(", ") || "nothing else"}`,
    );
  }
});

Deno.test("what waits for time imports nothing of ours, not even a type", () => {
  const waiting = modules.filter((name) => name.startsWith("src/async/"));
  const allowed = (target: string): boolean => isPackage(target) || target.startsWith("src/async/");
  assert.ok(waiting.length >= 7);
  assert.deepEqual(breaches(waiting, allowed, [...running, "type"]), []);
});

Deno.test("no cloud imports the loop, not even a type", () => {
  const clouds = modules.filter((name) => name.startsWith("src/clouds/"));
  const allowed = (target: string): boolean => !target.startsWith("src/sync/");
  assert.deepEqual(breaches(clouds, allowed, [...running, "type"]), []);
});

Deno.test("no part but the command line itself imports the command line", () => {
  const others = modules.filter((name) => !name.startsWith("src/cli/") && name !== "main.ts");
  assert.deepEqual(breaches(others, (target) => !target.startsWith("src/cli/"), [...running, "type"]), []);
});

Deno.test("what clouds share imports none of them", () => {
  const shared = modules.filter((name) => name.startsWith("src/clouds/kit/"));
  assert.ok(shared.length > 0);
  assert.deepEqual(breaches(shared, (target) => cloudFolder(target) === null, [...running, "type"]), []);
});

Deno.test("clouds never import one another, nor the parts that decide or read the kernel", () => {
  const clouds = modules.filter((name) => cloudFolder(name) !== null);
  assert.deepEqual(new Set(clouds.map(cloudFolder)).size, 5);
  const allowed = (target: string, importer: string): boolean => {
    if (isPackage(target) || /^src\/(async|routes)\//.test(target)) return true;
    if (!target.startsWith("src/clouds/") || target === "src/clouds/registry.ts") return false;
    return [null, cloudFolder(importer)].includes(cloudFolder(target));
  };
  assert.deepEqual(breaches(clouds, allowed), []);
});

Deno.test("a cloud is a folder and a line of the registry: nothing else of the program names it", async () => {
  const names = [...new Set(modules.map(cloudFolder))].flatMap((folder) => folder?.split("/").at(-1) ?? [])
    .filter((name) => name !== "local");
  assert.equal(names.length, 4);
  const branch = new RegExp(
    `(===|!==|case|\\[)\\s*"(${names.join("|")})"|"(${names.join("|")})"\\s*(===|!==|:|\\])`,
  );
  const naming: string[] = [];
  for (const module of modules.filter((name) => name.endsWith(".ts"))) {
    const folder = cloudFolder(module);
    const imports = (graph.get(module) ?? []).some(({ target }) => {
      const home = cloudFolder(target);
      return home !== null && home !== folder && home !== "src/clouds/local";
    });
    const source = await Deno.readTextFile(join(repositoryFolder, module));
    if (imports || (folder === null && branch.test(source.replaceAll(/\/\*[^]*?\*\//g, "")))) {
      naming.push(module);
    }
  }
  assert.deepEqual(naming, ["src/clouds/registry.ts"]);
});

Deno.test("what clouds share knows no path and no request id of one cloud's API", async () => {
  const words = Object.values(clouds).flatMap(({ apiWords }) => [...apiWords.paths, ...apiWords.requestIds])
    .filter((word) => /[A-Z_-]/.test(word));
  assert.ok(words.length > 10, `few words to look for: ${words}`);
  const quoted = new RegExp(`["'](${words.join("|")})["']`);
  const knowing: string[] = [];
  for (const module of modules.filter((name) => /^src\/clouds\/(kit\/)?[a-z_]+\.ts$/.test(name))) {
    const source = await Deno.readTextFile(join(repositoryFolder, module));
    if (quoted.test(source.replaceAll(/\/\*[^]*?\*\//g, ""))) knowing.push(module);
  }
  assert.deepEqual(knowing, []);
});

Deno.test("a cloud's SDK is imported in that cloud's folder alone", () => {
  const homes: Readonly<Record<string, RegExp>> = {
    "src/clouds/aws/": /^npm:\/?(@aws-sdk|@smithy)\//,
    "src/clouds/azure/": /^npm:\/?@azure\//,
    "src/clouds/gcp/": /^npm:\/?google-auth-library/,
  };
  for (const [home, sdk] of Object.entries(homes)) {
    const others = modules.filter((name) => !name.startsWith(home));
    assert.deepEqual(breaches(others, (target) => !sdk.test(target)), []);
    assert.ok(breaches(modules, (target) => !sdk.test(target)).length > 0, `${home} imports no SDK`);
  }
});

Deno.test("no dependency is loaded before FFI is given up, and no cloud before it is chosen", () => {
  const atStart = reachable(graph, "main.ts", ["static"]);
  assert.ok(atStart.has("ffi/libc.ts") && atStart.has("src/cli/least_power.ts"));
  assert.deepEqual([...atStart].filter((name) => name.startsWith("npm:")), []);
  const program = [...reachable(graph, "src/cli/program.ts", ["static"])];
  // The embedded cloud is no load: it has no SDK, and its notion of "this VM" serves `routes` too. Of the others the registry knows what
  // they say of themselves, and no more.
  const saysOfItself = /\/(description|flags|network_facts)\.ts$/;
  const clouds = program.filter((name) =>
    ![null, "src/clouds/local"].includes(cloudFolder(name)) && !saysOfItself.test(name)
  );
  assert.deepEqual(clouds, []);
});

Deno.test("no module imports itself by way of others", () => {
  assert.equal(findCycle(graph, running), null);
});

async function typescriptFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(repositoryFolder, folder))) {
    const path = `${folder}/${name}`;
    if (isDirectory) files.push(...await typescriptFiles(path));
    else if (name.endsWith(".ts")) files.push(path);
  }
  return files.sort();
}
