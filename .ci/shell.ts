/** Runs the programs that build the project. */

/** How to run a program. */
export interface RunOptions {
  /** Added to this process's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
}

/** What a program did. */
export interface RunResult {
  readonly success: boolean;
  readonly output: string;
  /** What it wrote to standard error, without the colours. */
  readonly errors: string;
}

/** Runs a program to its end, whatever its exit code. */
export async function tryRun(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program = "", ...args] = command;
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    stdin: "null",
    env: { NO_COLOR: "1", ...options.environment },
    ...(options.folder === undefined ? {} : { cwd: options.folder }),
  }).output();
  const decoder = new TextDecoder();
  return { success, output: decoder.decode(stdout), errors: decoder.decode(stderr) };
}

/**
 * Runs a program that must succeed.
 *
 * @returns what it wrote to standard output, trimmed.
 * @throws {Error} with the command line and what the program wrote to standard error.
 */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const { success, output, errors } = await tryRun(command, options);
  if (!success) throw new Error(`Cannot run ${command.join(" ")}: ${errors.trim()}`);
  return output.trim();
}

/** Writes a line for the person at the terminal; standard output stays free for results. */
export async function say(line: string): Promise<void> {
  await Deno.stderr.write(new TextEncoder().encode(`${line}\n`));
}
