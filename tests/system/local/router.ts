/** A router on the embedded cloud: the executable in a network namespace of its own, and the file that stands for the cloud. */

import assert from "node:assert/strict";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { type CommandResult, Namespace, namespacesMissing } from "../namespace.ts";
import { RouterVm } from "../router_vm.ts";
import { untilSame } from "../until.ts";

const fileName = "cloud.json";

export const ignore = skips(namespacesMissing(), await binaryMissing());

/** One route of the cloud's file. */
export interface FileRoute {
  readonly prefix: string;
  readonly nextHop: string;
  readonly owner: string;
}

/** The cloud's file. */
export interface CloudFile {
  readonly version: number;
  readonly quota: number;
  readonly routes: readonly FileRoute[];
}

/** A test with a router of its own; when it fails its error tells the executables' logs. */
export function routerTest(
  name: string,
  run: (router: Router) => Promise<void>,
  ...needs: readonly (string | null)[]
): void {
  Deno.test({
    name,
    ignore: ignore || skips(...needs),
    async fn(): Promise<void> {
      await using router = await Router.create();
      await router.telling(() => run(router));
    },
  });
}

/** See the head of this file. It has eth0 with 10.0.0.2/24 and 2001:db8::2/64, a default route, and tun0 with 192.168.7.1/24. */
export class Router extends RouterVm {
  /** The cloud's file; it does not exist before the first write. */
  readonly file = `${this.folder}/${fileName}`;

  /** @param binary the executable; the one of the tests unless told. */
  static async create(binary?: string): Promise<Router> {
    const namespace = await Namespace.create();
    await namespace.veth("eth0", "fabric", "10.0.0.2/24");
    await namespace.veth("tun0", "far", "192.168.7.1/24");
    await namespace.batch([
      "address add 2001:db8::2/64 dev eth0 nodad",
      "route add default via 10.0.0.1",
    ]);
    const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-local-" });
    return new Router({
      cloud: "local",
      namespace,
      binary: binary ?? await binaryPath(),
      folder,
      flags: ["-local-file", `${folder}/${fileName}`],
      gateway: "10.0.0.7",
      environment: () => ({}),
      relay: null,
    });
  }

  /** `ip ARGUMENTS`. */
  async ip(...lines: readonly string[]): Promise<void> {
    await this.namespace.batch(lines);
  }

  /** Runs the executable to its end with these arguments and nothing else. */
  async bare(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
    return await this.spawn(args, env).result();
  }

  /** The document that a command prints with `-output json`, whatever its exit code. */
  async document(name: string, ...flags: readonly string[]): Promise<{ code: number; document: unknown }> {
    const { code, stdout, stderr } = await this.command(name, "-output", "json", ...flags);
    assert.notEqual(stdout, "", `${name} printed nothing: ${stderr}`);
    return { code, document: JSON.parse(stdout) };
  }

  /** Writes the file as an operator would. */
  async writeFile(routes: readonly FileRoute[], quota = 500, version = 1): Promise<void> {
    await Deno.writeTextFile(this.file, JSON.stringify({ version, quota, routes }));
  }

  async readFile(): Promise<CloudFile> {
    try {
      // The program validates what it writes, and the tests wrote the rest.
      return JSON.parse(await Deno.readTextFile(this.file)) as CloudFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return { version: 0, quota: 500, routes: [] };
      throw error;
    }
  }

  /** The table as a record of next hops by prefix. */
  async table(): Promise<Record<string, string>> {
    const { routes } = await this.readFile();
    return Object.fromEntries(routes.map(({ prefix, nextHop }) => [prefix, nextHop]));
  }

  /** Waits until the table is exactly this. */
  async untilTable(expected: Readonly<Record<string, string>>): Promise<void> {
    await untilSame(listed(expected), async () => listed(await this.table()));
  }
}

/** A table in which all prefixes have one next hop. */
export function tableOf(prefixes: readonly string[], nextHop = "10.0.0.7"): Record<string, string> {
  return Object.fromEntries(prefixes.map((prefix) => [prefix, nextHop]));
}

function listed(table: Readonly<Record<string, string>>): string[] {
  return Object.entries(table).map(([prefix, hop]) => `${prefix} via ${hop}`);
}
