/** `deno task demo:picture`: runs the demo and draws what it printed as `light.svg` and `dark.svg`, for README.md. */

import { type TerminalLine, terminalSvg, themes } from "./terminal_svg.ts";

const demo = new URL("demo.ts", import.meta.url).pathname;

if (import.meta.main) await drawDemo();

async function drawDemo(): Promise<void> {
  const lines = await recorded();
  const story = lines.slice(0, lines.findIndex(({ text }) => text.startsWith("Next,"))).map(
    ({ text, atMs }) => ({ text: text.trimEnd(), atMs }),
  );
  while (story.at(-1)?.text === "") story.pop();
  const prompt = [{ text: "$ npx -y deno@2.9.6 task --quiet demo", atMs: 0 }, { text: "", atMs: 0 }];
  for (const [name, theme] of Object.entries(themes)) {
    const path = new URL(`picture/${name}.svg`, import.meta.url);
    await Deno.mkdir(new URL(".", path), { recursive: true });
    await Deno.writeTextFile(path, terminalSvg([...prompt, ...story], theme));
  }
}

/** Runs the demo. @throws {Error} if it fails. */
async function recorded(): Promise<readonly TerminalLine[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", demo],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const startedAt = performance.now();
  const lines: TerminalLine[] = [];
  let rest = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    const parts = `${rest}${chunk}`.split("\n");
    rest = parts.pop() ?? "";
    const atMs = performance.now() - startedAt;
    lines.push(...parts.map((text) => ({ text, atMs })));
  }
  const { success, code } = await child.status;
  if (!success) throw new Error(`Cannot draw the demo: it ended with exit code ${code}`);
  return lines;
}
