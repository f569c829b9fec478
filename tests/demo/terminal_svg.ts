/** What a terminal showed, as an SVG picture that any browser draws without scripts or fonts of its own. */

/** A line of output. */
export interface TerminalLine {
  readonly text: string;
  /** When it appeared, milliseconds after the start. */
  readonly atMs: number;
}

/** Colours of a picture, as CSS has them. */
export interface TerminalTheme {
  readonly background: string;
  readonly border: string;
  readonly text: string;
  readonly faint: string;
  readonly added: string;
  readonly changed: string;
  readonly removed: string;
  readonly kept: string;
}

/** GitHub's own colours, so that the picture fits its pages by day and by night. */
export const themes: Readonly<Record<"light" | "dark", TerminalTheme>> = {
  light: {
    background: "#f6f8fa",
    border: "#d1d9e0",
    text: "#1f2328",
    faint: "#59636e",
    added: "#1a7f37",
    changed: "#9a6700",
    removed: "#d1242f",
    kept: "#0969da",
  },
  dark: {
    background: "#0d1117",
    border: "#3d444d",
    text: "#f0f6fc",
    faint: "#9198a1",
    added: "#3fb950",
    changed: "#d29922",
    removed: "#f85149",
    kept: "#4493f8",
  },
};

const fontSize = 13;
/** Width of a character of a monospaced font, in parts of its size. */
const characterWidth = 0.602;
const lineHeight = 20;
const padding = 16;

/** From the first of these on a line says what became of the table. */
const outcome = /(?<= {2})(?:\+|~|-|nothing:) .*$/;

const classOfOutcome: Readonly<Record<string, string>> = {
  "+": "added",
  "~": "changed",
  "-": "removed",
  "n": "kept",
};

/** Draws the lines; each appears when it did, where the viewer animates, and is there at once where it does not. */
export function terminalSvg(lines: readonly TerminalLine[], theme: TerminalTheme): string {
  const columns = Math.max(...lines.map(({ text }) => text.length));
  const width = Math.ceil(columns * fontSize * characterWidth) + 2 * padding;
  const height = lines.length * lineHeight + 2 * padding;
  const title = "The output of deno task demo";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}">
<title>${title}</title>
<style>
text { font: ${fontSize}px ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; fill: ${theme.text}; white-space: pre; }
.faint { fill: ${theme.faint}; }
${
    Object.values(classOfOutcome).map((name) => `.${name} { fill: ${theme[name as keyof TerminalTheme]}; }`)
      .join("\n")
  }
@keyframes appear { from { opacity: 0; } }
text { animation: appear 1ms both; }
@media (prefers-reduced-motion: reduce) { text { animation: none; } }
</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${
    height - 1
  }" rx="6" fill="${theme.background}" stroke="${theme.border}"/>
${lines.map(drawnLine).filter((line) => line !== "").join("\n")}
</svg>
`;
}

function drawnLine({ text, atMs }: TerminalLine, index: number): string {
  if (text === "") return "";
  const y = padding + index * lineHeight + fontSize;
  return `<text x="${padding}" y="${y}" xml:space="preserve" style="animation-delay: ${Math.round(atMs)}ms">${
    coloured(text)
  }</text>`;
}

function coloured(text: string): string {
  const [found] = outcome.exec(text) ?? [];
  if (found === undefined) {
    return text.startsWith("  ") || text.startsWith("$") ? escaped(text) : span("faint", text);
  }
  const name = classOfOutcome[found.charAt(0)] ?? "text";
  return `${escaped(text.slice(0, -found.length))}${span(name, found)}`;
}

function span(name: string, text: string): string {
  return `<tspan class="${name}">${escaped(text)}</tspan>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
