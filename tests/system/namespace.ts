/**
 * A network namespace of a test's own, for root and for an unprivileged user alike.
 *
 * A holder process keeps it alive; commands enter it by `nsenter`. The holder reads a pipe of ours, so that it ends with
 * us even if we are killed. It forwards IPv4, as a router does. There are no `dummy` devices on some kernels: use veth pairs.
 */

import { programMissing } from "../needs.ts";

/** What a command inside the namespace came to. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why namespaces cannot be made here, or null if they can. */
export function namespacesMissing(): string | null {
  const missing = programMissing("unshare", "util-linux") ?? programMissing("ip", "iproute2");
  if (missing !== null) return missing;
  try {
    const { code, stderr } = new Deno.Command("unshare", {
      args: [...unshareFlags(), "ip", "link", "set", "lo", "up"],
      stdout: "null",
      stderr: "piped",
    }).outputSync();
    return code === 0 ? null : `namespaces are not allowed here: ${new TextDecoder().decode(stderr).trim()}`;
  } catch (error) {
    return `unshare (util-linux) cannot be run: ${error}`;
  }
}

/** What makes a router of a namespace, whatever the machine's own setting is. */
const prepare = "ip link set lo up && echo 1 > /proc/sys/net/ipv4/ip_forward";

/** A network namespace with its loopback device up. */
export class Namespace implements AsyncDisposable {
  readonly #holder: Deno.ChildProcess;

  private constructor(holder: Deno.ChildProcess) {
    this.#holder = holder;
  }

  /** Makes a namespace. */
  static async create(): Promise<Namespace> {
    const holder = new Deno.Command("unshare", {
      args: [...unshareFlags(), "sh", "-c", `${prepare} && echo ready && exec cat`],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = holder.stdout.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    if (value === undefined) throw new Error("Cannot make a network namespace: unshare ended at once");
    return new Namespace(holder);
  }

  /** A process that lives inside as long as the namespace: `ip link add … netns PID` names the namespace by it. */
  get pid(): number {
    return this.#holder.pid;
  }

  /** The command line that runs `args` inside, for those who start processes themselves. */
  commandLine(args: readonly string[]): string[] {
    const target = ["nsenter", "--target", `${this.#holder.pid}`];
    const user = isRoot() ? [] : ["--user", "--preserve-credentials"];
    return [...target, ...user, "--net", "--mount", ...args];
  }

  /** Starts a command inside; who starts it ends it. */
  spawn(args: readonly string[], options: Deno.CommandOptions = {}): Deno.ChildProcess {
    return this.#command(args, options).spawn();
  }

  /** Runs a command inside to its end, whatever that is. */
  async run(args: readonly string[], input = ""): Promise<CommandResult> {
    const child = this.spawn(args, { stdin: "piped", stdout: "piped", stderr: "piped" });
    const writer = child.stdin.getWriter();
    // A command that ends before it has read all closes the pipe; its exit code tells the rest.
    const written = writer.write(new TextEncoder().encode(input)).then(() => writer.close()).catch(() => {});
    const { code, stdout, stderr } = await child.output();
    await written;
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /**
   * Runs a command inside that must succeed.
   *
   * @returns its standard output.
   */
  async must(args: readonly string[], input = ""): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, input);
    if (code !== 0) throw new Error(`"${args.join(" ")}" ended with ${code}: ${stderr.trim()}`);
    return stdout;
  }

  /** `ip ARGUMENTS`, split at spaces, as in `ip("route add 198.51.100.0/24 via 10.0.0.2")`. */
  ip(args: string): Promise<string> {
    return this.must(["ip", ...args.split(" ")]);
  }

  /** `ip -batch` with these lines: the quick way to thousands of changes. */
  batch(lines: readonly string[]): Promise<string> {
    return this.must(["ip", "-batch", "-"], lines.join("\n") + "\n");
  }

  /** A veth pair, both ends up inside; the first gets the address. */
  async veth(name: string, peer: string, address: string): Promise<void> {
    await this.batch([
      `link add ${name} type veth peer name ${peer}`,
      `address add ${address} dev ${name}`,
      `link set ${name} up`,
      `link set ${peer} up`,
    ]);
  }

  /** Sets a sysctl by its path below `/proc/sys`, as in `net/ipv4/nexthop_compat_mode`. */
  sysctl(path: string, value: string | number): Promise<string> {
    return this.must(["sh", "-c", `echo ${value} > /proc/sys/${path}`]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder.stdin.close();
    await this.#holder.status;
  }

  #command(args: readonly string[], options: Deno.CommandOptions): Deno.Command {
    const [program, ...rest] = this.commandLine(args);
    if (program === undefined) throw new Error("Cannot run an empty command");
    return new Deno.Command(program, { ...options, args: rest });
  }
}

function isRoot(): boolean {
  return Deno.uid() === 0;
}

function unshareFlags(): string[] {
  return isRoot() ? ["--net", "--mount"] : ["--user", "--map-root-user", "--net", "--mount"];
}
