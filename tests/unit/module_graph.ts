/** The program's modules and who imports whom, as `deno info --json main.ts` tells. */

import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Full path of the repository. */
export const repositoryFolder = resolve(import.meta.dirname ?? ".", "../..");

/** One import of a module. */
export interface Import {
  /** Path inside the repository, or `npm:…`, `node:…`. */
  readonly target: string;
  /** `type`: erased; `dynamic`: by `await import()`, when it runs. */
  readonly kind: "static" | "dynamic" | "type";
}

/** Imports by module; modules are named by their path inside the repository. */
export type ModuleGraph = ReadonlyMap<string, readonly Import[]>;

/** What is read of `deno info --json`. */
interface InfoDocument {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string | null;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
      readonly isDynamic?: boolean;
    }[];
  }[];
}

/**
 * Reads the graph of `main.ts`.
 *
 * @throws {Error} if a module cannot be found.
 */
export async function readModuleGraph(): Promise<ModuleGraph> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    cwd: repositoryFolder,
  }).output();
  const decoder = new TextDecoder();
  if (stdout.length === 0) throw new Error(`Cannot read the module graph: ${decoder.decode(stderr)}`);
  // Deno's own document; what it lacks shows as an empty graph.
  const document = JSON.parse(decoder.decode(stdout)) as InfoDocument;
  const graph = new Map<string, readonly Import[]>();
  for (const module of document.modules) {
    if (module.error) throw new Error(`Cannot read the module graph: ${module.specifier}: ${module.error}`);
    if (!module.specifier.startsWith("file:")) continue;
    graph.set(nameOf(module.specifier), (module.dependencies ?? []).map(importOf));
  }
  return graph;
}

/** Every module that a module runs, itself included, by imports of the kinds named. */
export function reachable(graph: ModuleGraph, start: string, kinds: readonly Import["kind"][]): Set<string> {
  const found = new Set([start]);
  for (const name of found) {
    for (const { target, kind } of graph.get(name) ?? []) {
      if (kinds.includes(kind)) found.add(target);
    }
  }
  return found;
}

/** A chain of imports that ends where it begins, or null if there is none. */
export function findCycle(graph: ModuleGraph, kinds: readonly Import["kind"][]): readonly string[] | null {
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]): readonly string[] | null => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name];
    if (done.has(name)) return null;
    for (const { target, kind } of graph.get(name) ?? []) {
      const cycle = kinds.includes(kind) ? visit(target, [...trail, name]) : null;
      if (cycle !== null) return cycle;
    }
    done.add(name);
    return null;
  };
  for (const name of graph.keys()) {
    const cycle = visit(name, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

function importOf(
  dependency: NonNullable<InfoDocument["modules"][number]["dependencies"]>[number],
): Import {
  const { code, type, isDynamic } = dependency;
  const target = nameOf(code?.specifier ?? type?.specifier ?? dependency.specifier);
  if (code === undefined && type !== undefined) return { target, kind: "type" };
  return { target, kind: isDynamic === true ? "dynamic" : "static" };
}

function nameOf(specifier: string): string {
  return specifier.startsWith("file:") ? relative(repositoryFolder, fileURLToPath(specifier)) : specifier;
}
