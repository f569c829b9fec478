/** The result as one table for a terminal. */

import { type Figure, figuresText } from "./figure.ts";
import type { Measured, Result, SectionName } from "./result.ts";

/** All sections that were measured. */
export function resultText({ machine, sections }: Result): string {
  const { processor, processors, memoryGb, kernel } = machine;
  const head = `${processor}, ${processors} processors, ${memoryGb} GB, Linux ${kernel}\n`;
  const parts = [
    part("dump", dumpLines(sections), sections.dump),
    part("commands", commandLines(sections), sections.commands),
    part("reaction", reactionLines(sections), sections.reaction),
    part("flap", flapLines(sections), sections.flap),
    part("kernel", sections.kernel?.figures ?? [], sections.kernel),
    part("presence", presenceLines(sections), sections.presence),
    part("start", startLines(sections), sections.start),
    part("planner", plannerLines(sections), sections.planner),
    part("herd", herdLines(sections), sections.herd),
    part("counts", countLines(sections), sections.counts),
  ];
  return head + parts.join("");
}

function part(
  name: string,
  figures: readonly Figure[],
  measured: Pick<Measured<SectionName>, "date" | "load" | "machine"> | undefined,
): string {
  if (measured === undefined) return "";
  const load = measured.load.map((value) => value.toFixed(1)).join(" to ");
  const where = measured.machine === undefined ? "" : `, on ${measured.machine.processor}`;
  return `\n${name} (${measured.date}, load ${load}${where})\n${figuresText(figures)}`;
}

const line = (what: string, value: string, limit = ""): Figure => ({ what, value, limit });
const times = (value: number): string => `${value.toFixed(2)} x C`;
const megabytes = (value: number): string => `${value.toFixed(0)} MB`;

function dumpLines({ dump }: Result["sections"]): Figure[] {
  if (dump === undefined) return [];
  const { figures, skipped } = dump.figures;
  return [
    ...figures.map(({ program, routes, ms, routesPerSecond, timesC, cpuTimesC, peakMb }) =>
      line(
        `${program}`,
        `${routes} routes: ${ms.toFixed(0)} ms, ${Math.round(routesPerSecond)} routes/s, ${
          times(timesC)
        } (CPU ${cpuTimesC.toFixed(2)} x), ${megabytes(peakMb)}`,
      )
    ),
    ...Object.entries(skipped).map(([program, why]) => line(program, `left out: ${why}`)),
  ];
}

function commandLines({ commands }: Result["sections"]): Figure[] {
  return (commands?.figures ?? []).map(({ command, ms, timesC, cpuTimesC, peakMb, limit }) =>
    line(
      command,
      `${ms.toFixed(0)} ms, ${times(timesC)} (CPU ${cpuTimesC.toFixed(2)} x), ${megabytes(peakMb)}`,
      `${limit.timesC} x, ${limit.peakMb} MB`,
    )
  );
}

function reactionLines({ reaction }: Result["sections"]): Figure[] {
  return (reaction?.figures ?? []).map(({ what, changes, writes, least, median, p99 }) =>
    line(
      what,
      `${changes} changes: median ${median.toFixed(1)} ms, 99 % ${p99.toFixed(1)}, least ${
        least.toFixed(1)
      }` +
        (writes === null ? "" : `, ${writes.toFixed(1)} writes`),
    )
  );
}

function flapLines({ flap }: Result["sections"]): Figure[] {
  return (flap?.figures ?? []).map(({ events, cpuUsAnEvent, wanted }) =>
    line(
      `routes that the cloud wants: ${wanted ? "all" : "none"}`,
      `${cpuUsAnEvent.toFixed(1)} us CPU an event of ${events}`,
    )
  );
}

function presenceLines({ presence }: Result["sections"]): Figure[] {
  return Object.entries(presence?.figures ?? {}).flatMap(([cloud, modes]) =>
    Object.entries(modes).map(([mode, { residentMb, anonymousMb, peakMb, idleMsAMinute, firstRouteMs }]) =>
      line(
        `${cloud}, ${mode}`,
        `${megabytes(residentMb)} (${megabytes(anonymousMb)} its own), peak ${megabytes(peakMb)}, ` +
          `first route ${firstRouteMs.toFixed(0)} ms` +
          (idleMsAMinute === null ? "" : `, idle ${idleMsAMinute.toFixed(1)} ms CPU a minute`),
      )
    )
  );
}

function startLines({ start }: Result["sections"]): Figure[] {
  if (start === undefined) return [];
  const { versionMs, versionPeakMb, commandMs, fileMb } = start.figures;
  return [
    line("version", `median ${versionMs.median.toFixed(0)} ms, peak ${megabytes(versionPeakMb)}`, "60 ms"),
    line("routes -count, no routes", `median ${commandMs.median.toFixed(0)} ms`),
    line("executable", `${fileMb.toFixed(1)} MB`, "98 MB"),
  ];
}

function plannerLines({ planner }: Result["sections"]): Figure[] {
  return (planner?.figures ?? []).map((figure) =>
    line(
      `${figure.routes} x ${figure.routes}`,
      `${figure.case}: median ${figure.median.toFixed(1)} ms, least ${figure.least.toFixed(1)}, held for ${
        figure.longest.toFixed(1)
      } at most`,
    )
  );
}

function herdLines({ herd }: Result["sections"]): Figure[] {
  return (herd?.figures ?? []).map((row) => {
    const { account, scenario, routers, callsEachUseful, seconds, othersPercent, othersAtMostPercent } = row;
    const time = seconds === null
      ? ""
      : `99 % in step after ${seconds.most} s, at least ${seconds.floor} s; `;
    const most = othersAtMostPercent === null ? "" : ` of ${othersAtMostPercent} % at most`;
    return line(
      `${routers} routers, ${account}, ${scenario}`,
      `${callsEachUseful} calls a useful call; ${time}others keep ${othersPercent} %${most}`,
    );
  });
}

function countLines({ counts }: Result["sections"]): Figure[] {
  if (counts === undefined) return [];
  const { kernel, clouds, codeBytes } = counts.figures;
  return [
    line(
      "reading 20,000 routes",
      `${kernel.receives} calls of recv, ${
        kernel.allocatedBytesARoute.toFixed(0)
      } bytes allocated a route, ` +
        `${kernel.keptBytesARoute.toFixed(0)} kept`,
    ),
    ...Object.entries(clouds).map(([cloud, calls]) =>
      line(
        `${cloud}, requests`,
        `prepare ${calls.toPrepare}, read ${calls.toRead}, add 1: ${calls.toAddOne}, add 10: ${calls.toAddTen}, ` +
          `replace ${calls.toReplaceOne}, delete ${calls.toDeleteOne}`,
      )
    ),
    ...Object.entries(codeBytes).map(([cloud, bytes]) =>
      line(`${cloud}, code`, `${(bytes / 1e3).toFixed(0)} kB`)
    ),
  ];
}
