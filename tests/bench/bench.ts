/**
 * `deno task bench`: all that is measured, as one table. Run it on a quiet machine.
 *
 * Arguments go to the kernel's bench: `deno task bench 100000 5` measures with 100,000 kernel routes and 5 s of idling.
 */

import { commandFigures } from "./command_cost.ts";
import { figuresText } from "./figure.ts";
import { reconcilerFigures } from "./reconciler_bench.ts";

const kernelBench = new URL("./kernel_bench.ts", import.meta.url).pathname;

if (import.meta.main) Deno.exit(await bench());

async function bench(): Promise<number> {
  const heading = { what: "what", value: "measured", limit: "at most" };
  await tell(figuresText([heading, ...await reconcilerFigures(), ...await commandFigures()]));
  // A process of its own: what was measured before must not weigh on it.
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", kernelBench, ...Deno.args],
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  return code;
}

async function tell(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(text));
}
