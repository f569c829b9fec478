/**
 * A machine within this one: a systemd of its own as PID 1, with its own cgroup, network and root around this machine's
 * `/usr`. The kernel enforces in it all that a unit asks for, as on a VM. Root only.
 */

import type { Place } from "../../fakes/namespace_relay.ts";
import { fileMissing, programMissing } from "../../needs.ts";
import type { CommandResult } from "../namespace.ts";
import { until } from "../until.ts";

const launcher = new URL("guest.sh", import.meta.url).pathname;
const systemd = "/usr/lib/systemd/systemd";
const namespaces = ["--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup"];
/** How long a guest may take until its PID 1 is there, in milliseconds. */
const bootMs = 30_000;

/** Why there can be no guest here, or null. */
export function guestMissing(): string | null {
  if (Deno.uid() !== 0) return "only root can start a systemd";
  return programMissing("unshare", "util-linux") ?? programMissing("ip", "iproute2") ??
    programMissing("curl") ??
    fileMissing(systemd, "systemd", "Debian's package systemd has it");
}

/** See the head of this file. */
export class Guest implements AsyncDisposable {
  readonly #launcher: Deno.ChildProcess;
  readonly #folder: string;
  readonly #pid: number;

  private constructor(launcher: Deno.ChildProcess, folder: string, pid: number) {
    this.#launcher = launcher;
    this.#folder = folder;
    this.#pid = pid;
  }

  /** Boots a guest whose `/usr/local/bin/cloudroutesync` is this program. */
  static async boot(program: string): Promise<Guest> {
    const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-guest-" });
    const child = new Deno.Command("unshare", {
      args: ["--mount", "sh", launcher, folder, program],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const guest = new Guest(child, folder, await firstNumber(child.stdout));
    try {
      if (guest.#pid === 0) throw new Error("Cannot boot a systemd: it ended before it began");
      await until("the guest is up", async () => {
        const { stdout } = await guest.run(["systemctl", "is-system-running"]);
        return stdout.trim() === "running";
      });
      return guest;
    } catch (error) {
      await guest[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The guest's network, for programs of this machine. */
  get network(): Place {
    const enter = (args: readonly string[], options: Deno.CommandOptions): Deno.Command =>
      new Deno.Command("nsenter", { ...options, args: ["--target", `${this.#pid}`, "--net", ...args] });
    return {
      spawn: (args, options = {}) => enter(args, options).spawn(),
      run: async (args) => resultOf(await enter(args, { stdin: "null" }).output()),
    };
  }

  /** Where a file of the guest's can be had from here. */
  path(inside: string): string {
    return `/proc/${this.#pid}/root${inside}`;
  }

  /** Runs a command inside to its end, whatever that is. */
  async run(args: readonly string[]): Promise<CommandResult> {
    const output = await new Deno.Command("nsenter", {
      args: ["--target", `${this.#pid}`, ...namespaces, ...args],
      clearEnv: true,
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      stdin: "null",
    }).output();
    return resultOf(output);
  }

  /**
   * Runs a command inside that must succeed.
   *
   * @returns its standard output.
   */
  async must(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`"${args.join(" ")}" ended with ${code}: ${stderr.trim()}`);
    return stdout;
  }

  /** `ip ARGUMENTS` inside for each line. */
  async ip(...lines: readonly string[]): Promise<void> {
    for (const line of lines) await this.must(["ip", ...line.split(" ")]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#launcher.stdin.close();
    await this.#launcher.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function resultOf({ code, stdout, stderr }: Deno.CommandOutput): CommandResult {
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** The number on the first line, or 0 if there is none. */
async function firstNumber(stdout: ReadableStream<Uint8Array>): Promise<number> {
  const reader = stdout.getReader();
  const tooLong = setTimeout(() => reader.cancel(), bootMs);
  const { value } = await reader.read();
  clearTimeout(tooLong);
  await reader.cancel();
  return Number.parseInt(new TextDecoder().decode(value)) || 0;
}
