/** The result as one SVG picture for README.md, by day and by night, without scripts or fonts of its own. */

import { themes } from "../demo/terminal_svg.ts";
import { ownName, yardstick } from "./dump_bench.ts";
import { cloudLabels, presentClouds } from "./presence.ts";
import type { Result, Sections } from "./result.ts";

/** A bar. */
interface Bar {
  readonly label: string;
  readonly value: number;
  /** What stands behind it. */
  readonly text: string;
  readonly isOwn: boolean;
}

/** Bars of one scale. */
interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
  readonly scale: "linear" | "logarithmic";
}

const width = 860, labelWidth = 250, textWidth = 210, rowHeight = 24, titleHeight = 40, margin = 18;
const barWidth = width - labelWidth - textWidth - 2 * margin;

/** What the Go program took for one route at `-netlink 1 -sync 1 -event`, on AWS' test server (November 2026); its defaults are 10 s. */
export const goProgramMs = 560;

/** Draws three panels: reading a full table, the way from the kernel's change to the cloud, and memory. */
export function resultSvg(result: Result): string {
  const { dump, reaction, presence } = result.sections;
  const panels = [
    ...(dump === undefined ? [] : [dumpPanel(dump.figures)]),
    ...(reaction === undefined ? [] : [reactionPanel(reaction.figures)]),
    ...(presence === undefined ? [] : [memoryPanel(presence.figures)]),
  ];
  const heights = panels.map(({ bars }) => titleHeight + bars.length * rowHeight + margin);
  const height = heights.reduce((sum, each) => sum + each, 2 * margin);
  let y = margin;
  const drawn = panels.map((panel, index) => {
    const text = drawnPanel(panel, y);
    y += heights[index] ?? 0;
    return text;
  });
  const { light, dark } = themes;
  const title =
    "Bars: reading a million routes, from the kernel's change to the cloud, and memory on each cloud";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}">
<title>${title}</title>
<style>
text { font: 13px -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; fill: ${light.text}; }
.title { font-weight: 600; font-size: 14px; }
.faint { fill: ${light.faint}; }
.paper { fill: ${light.background}; stroke: ${light.border}; }
.own { fill: ${light.kept}; }
.other { fill: ${light.faint}; opacity: 0.55; }
@media (prefers-color-scheme: dark) {
  text { fill: ${dark.text}; }
  .faint { fill: ${dark.faint}; }
  .paper { fill: ${dark.background}; stroke: ${dark.border}; }
  .own { fill: ${dark.kept}; }
  .other { fill: ${dark.faint}; }
}
</style>
<rect class="paper" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>
${drawn.join("\n")}
</svg>
`;
}

function dumpPanel({ figures }: Sections["dump"]): Panel {
  const most = Math.max(...figures.map(({ routes }) => routes));
  const bars = figures.filter(({ routes }) => routes === most).map(({ program, ms, timesC, peakMb }) => ({
    label: program,
    value: ms,
    text: `${(ms / 1000).toFixed(2)} s · ${program === yardstick ? "1" : timesC.toFixed(1)} × C · ${
      peakMb.toFixed(0)
    } MB`,
    isOwn: program === ownName,
  })).sort((left, right) => left.value - right.value);
  return {
    title: `Reading ${most.toLocaleString("en")} kernel routes, whole process, and its peak memory`,
    bars,
    scale: "linear",
  };
}

function reactionPanel(figures: Sections["reaction"]): Panel {
  const measured = figures.filter(({ what }) => !what.includes("-coalesce"));
  const bars = measured.map(({ what, changes, median, writes }) => ({
    label: writes === null ? what : `cloudroutesync, ${changes === 1 ? "1 change" : `${changes} changes`}`,
    value: median,
    text: durationText(median),
    isOwn: writes !== null,
  }));
  const go = {
    label: "the Go program, polling each second",
    value: goProgramMs,
    text: durationText(goProgramMs),
    isOwn: false,
  };
  return {
    title: "From the kernel's change to the write that the cloud accepts, median (logarithmic)",
    bars: [...bars, go].sort((left, right) => left.value - right.value),
    scale: "logarithmic",
  };
}

function memoryPanel(figures: Sections["presence"]): Panel {
  const bars = presentClouds.flatMap((cloud) => {
    const event = figures[cloud]?.event;
    return event === undefined ? [] : [{
      label: `cloudroutesync, ${cloudLabels[cloud]}`,
      value: event.residentMb,
      text: `${event.residentMb.toFixed(0)} MB, ${event.anonymousMb.toFixed(0)} its own`,
      isOwn: true,
    }];
  });
  return {
    title: "Resident memory with 20 routes, after a minute; the rest is the executable's pages",
    bars,
    scale: "linear",
  };
}

function durationText(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(0)} s` : `${ms.toFixed(0)} ms`;
}

function drawnPanel({ title, bars, scale }: Panel, top: number): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const share = (value: number): number =>
    scale === "linear" ? value / most : Math.log10(value) / Math.log10(most);
  const rows = bars.map(({ label, value, text, isOwn }, index) => {
    const y = top + titleHeight + index * rowHeight;
    const length = Math.max(2, share(value) * barWidth).toFixed(1);
    const x = margin + labelWidth;
    return `<text x="${x - 8}" y="${y + 13}" text-anchor="end"${isOwn ? ' class="title"' : ""}>${
      escaped(label)
    }</text>` +
      `<rect class="${isOwn ? "own" : "other"}" x="${x}" y="${
        y + 2
      }" width="${length}" height="14" rx="2"/>` +
      `<text class="faint" x="${(x + Number(length) + 8).toFixed(1)}" y="${y + 13}">${escaped(text)}</text>`;
  });
  return [`<text class="title" x="${margin}" y="${top + 22}">${escaped(title)}</text>`, ...rows].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
