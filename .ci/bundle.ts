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
      plugins: [nodeModules],
      metafile: true,
      logLevel: "silent",
    });
    return { entry: join(options.folder, "main.mjs"), inputs: Object.keys(result.metafile.inputs) };
  } finally {
    await stop();
  }
}
