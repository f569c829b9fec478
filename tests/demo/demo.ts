/**
 * `deno task demo`: the main job on real kernel routes, in an unprivileged network namespace of its own.
 *
 * This part makes the namespace and says what is missing where that is not allowed; `demo_inside.ts` is the show.
 */

const inside = new URL("./demo_inside.ts", import.meta.url).pathname;

if (import.meta.main) Deno.exit(await demo());

async function demo(): Promise<number> {
  const missing = await whatIsMissing();
  if (missing !== null) {
    tell(`The demo cannot run here: ${missing}`);
    return 1;
  }
  const command = new Deno.Command("unshare", {
    args: [
      "--user",
      "--map-root-user",
      "--net",
      "--kill-child",
      Deno.execPath(),
      "run",
      "--quiet",
      "--allow-all",
      inside,
    ],
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  });
  return (await command.spawn().status).code;
}

/** What keeps the demo from running, as the end of a sentence; null if nothing does. */
async function whatIsMissing(): Promise<string | null> {
  if (!await works("ip", ["-Version"])) return "the command ip is missing (Debian's package iproute2)";
  if (!await works("unshare", ["--version"])) {
    return "the command unshare is missing (Debian's package util-linux)";
  }
  if (await works("unshare", ["--user", "--map-root-user", "--net", "true"])) return null;
  return "this system does not let users make namespaces (sysctl kernel.unprivileged_userns_clone, " +
    "user.max_user_namespaces or kernel.apparmor_restrict_unprivileged_userns forbids it); run it as root";
}

async function works(command: string, args: readonly string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, { args: [...args], stdout: "null", stderr: "null" })
      .output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function tell(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}
