/**
 * Gives up permissions that a run does not need, so that code loaded later (an SDK, one of its dependencies) cannot use them.
 *
 * The executable is compiled with {@linkcode granted} (`.ci/compile.ts`), and narrows it further once it knows its settings.
 * How Deno's permissions behave, tried on 2.6.10 (compiled) and 2.9.6:
 *
 * - A request for `/srv/state` under `--allow-write=/` is granted without asking and enters the list of grants; revoking `/`
 *   then leaves `/srv/state` and what lies below it. Under a global `--allow-write` the request adds nothing, and the only
 *   thing that can be revoked is the whole kind. The same holds for reading.
 * - Variables likewise: a request for `AWS_REGION` under `--allow-env=AWS_*`, then revoking `AWS_*`, leaves `AWS_REGION`.
 *   Revoking one variable that a pattern covers revokes the pattern; revoking without a name revokes all.
 * - `--ignore-env` makes a variable outside the grants read as unset, `--ignore-read` a file outside them as not there:
 *   what an SDK probes in vain does not end the program. Both hold after a revocation too.
 * - `--allow-net` is global, because endpoints are anyone's: revoking one host of it does nothing, so it is all or nothing.
 *   A Unix socket needs the path's read and write permission besides.
 * - `Deno.permissions.revoke({ name: "sys", kind })` takes that kind alone. There is no grant for `run`, hence none to revoke.
 * - Symbols of a library opened before `ffi` was revoked go on working; opening another, pointers and callbacks do not.
 * - There is none for `import` either, so no module comes from the network; chunks of the executable itself load
 *   without any permission.
 * - What is revoked stays so: with `--no-prompt` a request is denied. A worker starts with what is left.
 * - Whatever the grants, files below /proc and /sys and most of /dev open only with `--allow-all`: the program reads
 *   those through its own C library.
 */

import { certificateVariables } from "../clouds/kit/certificates.ts";
import { serverVariables } from "../kubernetes/service_account.ts";
import { proxyVariables } from "../clouds/kit/proxy_variables.ts";
import { clouds } from "../clouds/registry.ts";

/** What the executable is compiled with. */
export interface Granted {
  /** Paths. */
  readonly read: readonly string[];
  readonly write: readonly string[];
  /** Names of variables, or patterns that end in `*`. */
  readonly environment: readonly string[];
  readonly sys: readonly SystemInformation[];
}

/** The kinds of `--allow-sys` that the SDKs ask for. */
export type SystemInformation = NonNullable<Deno.SysPermissionDescriptor["kind"]>;

const powers = Object.values(clouds).map(({ power }) => power);

/** The permissions of the compiled executable, besides all of the network and the C library. */
export const granted: Granted = {
  // A path, not the global grant: only a list can be narrowed.
  read: ["/"],
  write: ["/"],
  environment: [
    "CLOUDROUTESYNC_*",
    ...new Set(powers.flatMap(({ environment }) => environment)),
    "STATE_DIRECTORY",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "NO_COLOR",
    "JOURNAL_STREAM",
    ...serverVariables,
    ...proxyVariables,
    ...certificateVariables,
  ],
  sys: [...new Set(powers.flatMap(({ sys }) => sys))],
};

/** What a run needs from here on. */
export interface Needs {
  /** Files and folders (with all below them) to read; full paths. */
  readonly read: readonly string[];
  /** Files and folders (with all below them) to write; full paths. */
  readonly write: readonly string[];
  /** Whether it makes or takes connections at all. */
  readonly net: boolean;
  /** Variables to read, or patterns of {@linkcode granted}. */
  readonly environment: readonly string[];
  readonly sys: readonly SystemInformation[];
}

/** What came of it: sentences for the log. */
export interface Narrowed {
  /** What was given up, such as `write outside /var/lib/cloudroutesync`. */
  readonly revoked: readonly string[];
  /** What could not be given up because the process was started with a global grant (`deno run --allow-all`). */
  readonly left: readonly string[];
}

/**
 * Reduces the process's permissions to its needs. Nothing brings them back.
 *
 * Under global grants a kind that is needed in part stays whole and is listed in {@linkcode Narrowed.left}; a kind that is
 * not needed at all is always given up.
 */
export async function narrowPermissions(needs: Needs): Promise<Narrowed> {
  const narrowing = new Narrowing();
  await narrowing.paths("write", needs.write, granted.write);
  await narrowing.paths("read", needs.read, granted.read);
  await narrowing.environment(needs.environment, granted.environment);
  await narrowing.systemInformation(needs.sys, granted.sys);
  if (!needs.net) await narrowing.whole("net");
  await narrowing.whole("run");
  return narrowing;
}

/**
 * Gives up opening libraries. Libraries that are open go on working.
 *
 * @returns whether no library can be opened any more; false only under a grant that Deno does not let go of.
 */
export async function revokeForeignFunctions(paths: readonly string[]): Promise<boolean> {
  await Deno.permissions.revoke({ name: "ffi" });
  for (const path of paths) {
    const { state } = await Deno.permissions.revoke({ name: "ffi", path });
    if (state === "granted") return false;
  }
  return true;
}

/** One narrowing under way. */
class Narrowing implements Narrowed {
  readonly revoked: string[] = [];
  readonly left: string[] = [];

  async paths(name: "read" | "write", needed: readonly string[], compiled: readonly string[]): Promise<void> {
    if (needed.length === 0) return await this.whole(name);
    if (await isGranted({ name })) return this.#keep(name);
    for (const path of needed) await Deno.permissions.request({ name, path });
    for (const path of compiled) {
      if (!needed.includes(path)) await Deno.permissions.revoke({ name, path });
    }
    this.revoked.push(`${name} outside ${needed.join(", ")}`);
  }

  async environment(needed: readonly string[], compiled: readonly string[]): Promise<void> {
    if (needed.length === 0) return await this.whole("env");
    if (await isGranted({ name: "env" })) return this.#keep("env");
    const outside = compiled.filter((pattern) => !needed.includes(pattern));
    for (const variable of needed) await Deno.permissions.request({ name: "env", variable });
    for (const variable of outside) await Deno.permissions.revoke({ name: "env", variable });
    if (outside.length > 0) this.revoked.push(`env ${outside.join(", ")}`);
  }

  async systemInformation(
    needed: readonly SystemInformation[],
    compiled: readonly SystemInformation[],
  ): Promise<void> {
    if (needed.length === 0) return await this.whole("sys");
    if (await isGranted({ name: "sys" })) return this.#keep("sys");
    const outside = compiled.filter((kind) => !needed.includes(kind));
    for (const kind of outside) await Deno.permissions.revoke({ name: "sys", kind });
    if (outside.length > 0) this.revoked.push(`sys ${outside.join(", ")}`);
  }

  /** Gives up a whole kind, whatever the grant. */
  async whole(name: Deno.PermissionName): Promise<void> {
    await Deno.permissions.revoke({ name });
    this.revoked.push(name);
  }

  #keep(name: Deno.PermissionName): void {
    this.left.push(`${name}: the grant is global`);
  }
}

async function isGranted(descriptor: Deno.PermissionDescriptor): Promise<boolean> {
  return (await Deno.permissions.query(descriptor)).state === "granted";
}
