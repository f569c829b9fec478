/**
 * Bundles the program before it is compiled: one entry chunk, and one chunk for each `await import()`.
 *
 * `deno compile` of the plain module graph embeds all of node_modules: 171 MB, and 133 MB RSS before anything runs. esbuild
 * shakes the SDKs' ES modules down to what is used, and a cloud's chunk is read only by a run that needs it.
 */

import { build, type Plugin, stop } from "esbuild";
import { builtinModules } from "node:module";
import { join } from "node:path";

/** What to bundle, and where to. */
export interface BundleOptions {
  /** The entry point, such as `main.ts`. */
  readonly entry: string;
  /** An empty folder; it holds the chunks afterwards and nothing else. */
  readonly folder: string;
  /** Embedded in `src/cli/build_information.ts`. */
  readonly commit: string;
}

/** The bundled files. */
export interface Bundle {
  /** Path of the entry chunk. */
  readonly entry: string;
  /** The files that went in, as paths from the current folder. */
  readonly inputs: readonly string[];
}

/**
 * CommonJS packages call `require` for Node's own modules; a plain ES module has none. `createRequire` of `node:module` would
 * do, but loading that module costs 19 ms at each start of Deno 2.9.
 */
const banner = "const require = (name) => process.getBuiltinModule(name);";

/** `path` and its like are Node's own modules: left out of the bundle, and named as Deno wants them. */
const nodeModules: Plugin = {
  name: "node-modules",
  setup(context): void {
    const names = builtinModules.filter((name) => !name.startsWith("_") && !name.startsWith("node:"));
    const filter = new RegExp(`^(${names.map((name) => name.replaceAll("/", "\\/")).join("|")})$`);
    context.onResolve({ filter }, ({ path }) => ({ path: `node:${path}`, external: true }));
  },
};

/** Schemas of AWS' shapes, one array each: 1.3 MB of EC2's alone, of which a tenth is used. */
const schemaFiles = /@aws-sdk[/\\].*[/\\]dist-es[/\\]schemas[/\\]schemas_\d+\.js$/;

/**
 * Lets esbuild leave out the schemas that nothing uses. They name their members by constants, as in `{ [_xN]: _m }`, and a computed
 * name could have side effects, so that esbuild keeps every array with one. With the constant's text in its place it sees that there
 * are none. Without this the chunk of AWS has six times the size, and to load it takes 30 MB more.
 */
const literalSchemas: Plugin = {
  name: "literal-schemas",
  setup(context): void {
    context.onLoad({ filter: schemaFiles }, async ({ path }) => ({
      contents: withLiteralNames(await Deno.readTextFile(path)),
    }));
  },
};

/** Puts the text of a constant in the place of each computed name: `{ [_xN]: 1 }` becomes `{ "xmlName": 1 }` after `const _xN = "xmlName"`. */
export function withLiteralNames(source: string): string {
  const constants = new Map<string, string>();
  for (const [, name = "", text = ""] of source.matchAll(/^const (\w+) = ("[^"\\]*");$/gm)) {
    constants.set(name, text);
  }
  return source.replaceAll(
    /([{,]\s*)\[(\w+)\](?=:)/g,
    (whole, before: string, name: string) => constants.has(name) ? `${before}${constants.get(name)}` : whole,
  );
}

/**
 * Bundles the program.
 *
 * @throws {Error} with esbuild's own account of what it could not resolve or parse.
 */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  try {
    const result = await build({
      entryPoints: [{ in: options.entry, out: "main" }],
      outdir: options.folder,
      outExtension: { ".js": ".mjs" },
      chunkNames: "[name]-[hash]",
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "es2024",
      // The SDKs' ES module builds can be shaken; their CommonJS builds cannot.
      mainFields: ["module", "main"],
      minify: true,
      // Names of errors and functions stand in logs.
      keepNames: true,
      legalComments: "none",
      banner: { js: banner },
      define: { BUILD_COMMIT: JSON.stringify(options.commit) },
      plugins: [nodeModules, literalSchemas],
      metafile: true,
      logLevel: "silent",
    });
    return { entry: join(options.folder, "main.mjs"), inputs: Object.keys(result.metafile.inputs) };
  } finally {
    await stop();
  }
}
