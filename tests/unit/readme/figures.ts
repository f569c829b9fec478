/** Rows of README on what the program costs and how it compares, out of the bench's committed result. */

import { ownName, yardstick } from "../../bench/dump_bench.ts";
import { cloudLabels, presentClouds } from "../../bench/presence.ts";
import type { Machine } from "../../bench/machine.ts";
import { figuresOf, readResult, type Result } from "../../bench/result.ts";
import { goProgramMs } from "../../bench/result_svg.ts";

const result = readResult();

/** Each machine, when it was measured, and how busy it was; of another than the result's, also what was measured there. */
export function machineRows({ machine, sections }: Result = result): string[][] {
  // The herd's clock is a virtual one: how busy the machine was says nothing.
  const { herd: _, ...timed } = sections;
  const of = Map.groupBy(
    Object.entries(timed),
    ([, section]) => JSON.stringify(section.machine ?? machine),
  );
  return [...of].map(([key, measured]) => {
    const { processor, processors, kernel } = JSON.parse(key) as Machine;
    const dates = measured.map(([, { date }]) => date).sort();
    const loads = measured.flatMap(([, { load }]) => load);
    const when = [...new Set([dates.at(0), dates.at(-1)])].join(" to ");
    const load = `${Math.min(...loads).toFixed(1)} to ${
      Math.max(...loads).toFixed(1)
    }; the bench itself makes about 1`;
    const what = key === JSON.stringify(machine) ? "" : ` (${measured.map(([name]) => name).join(", ")})`;
    return [processor, String(processors), kernel, `${when}${what}`, load];
  });
}

/** One row an account and scenario of many routers. */
export function herdRows(): string[][] {
  const clouds = { EC2: "AWS", ARM: "Azure", Google: "Google Cloud" } as const;
  const scenes = {
    "first start": "all start for the first time",
    restart: "all restart",
    outage: "the API is back after 10 minutes",
    steady: "an hour, nothing happens",
  } as const;
  return figuresOf(result, "herd").map((row) => [
    clouds[row.account],
    scenes[row.scenario],
    row.callsEachUseful.toFixed(1),
    row.seconds === null ? "–" : `${row.seconds.most} s`,
    row.seconds === null ? "–" : `${row.seconds.floor} s`,
    `${row.othersPercent} %`,
    row.othersAtMostPercent === null ? "–" : `${row.othersAtMostPercent} %`,
  ]);
}

/** One row a program, the fastest first. */
export function dumpRows(): string[][] {
  const { figures, skipped } = figuresOf(result, "dump");
  const sizes = [...new Set(figures.map(({ routes }) => routes))].sort((left, right) => left - right);
  const largest = sizes.at(-1) ?? 0;
  const programs = [...new Set(figures.map(({ program }) => program))];
  const of = (program: string, routes: number): (typeof figures)[number] | undefined =>
    figures.find((figure) => figure.program === program && figure.routes === routes);
  const rank = (program: string): number => of(program, largest)?.ms ?? Infinity;
  const rows = programs.toSorted((left, right) => rank(left) - rank(right)).map((program) => {
    const last = of(program, largest);
    return [
      program === ownName ? `**${program}**` : program,
      ...sizes.map((routes) => {
        const figure = of(program, routes);
        return figure === undefined ? "–" : `${msText(figure.ms)}`;
      }),
      last === undefined ? "–" : Math.round(last.routesPerSecond).toLocaleString("en"),
      last === undefined ? "–" : program === yardstick ? "1" : last.timesC.toFixed(1),
      last === undefined ? "–" : last.peakMb.toFixed(0),
    ];
  });
  const left = Object.keys(skipped).filter((name) => !programs.some((program) => name.startsWith(program)));
  return [...rows, ...left.map((name) => [name, ...sizes.map(() => "left out"), "", "", ""])];
}

/** The heading of {@linkcode dumpRows}. */
export function dumpHead(): string[] {
  const { figures } = figuresOf(result, "dump");
  const sizes = [...new Set(figures.map(({ routes }) => routes))].sort((left, right) => left - right);
  return [
    "Reads all routes and ends",
    ...sizes.map((routes) => routes.toLocaleString("en")),
    "Routes a second",
    "÷ C",
    "Peak MB",
  ];
}

/** One row a program: how long after the kernel's change the cloud has accepted the write. */
export function reactionRows(): string[][] {
  const rows = figuresOf(result, "reaction").map(({ what, changes, median, p99, writes }) => [
    what,
    writes === null ? "any" : String(changes),
    msText(median),
    msText(p99),
    writes === null ? "" : writes.toFixed(1),
  ]);
  const go = "[the Go program](#upgrading-from-the-go-program), `-netlink 1 -sync 1 -event`";
  return [
    ...rows,
    [go, "1", msText(goProgramMs), "", "1"],
    [go, "500", "never: 499,500 calls in 60 s, not delivered", "", ""],
  ];
}

/** One row a figure. */
export function costRows(): string[][] {
  const { versionMs, fileMb } = figuresOf(result, "start");
  const measured = figuresOf(result, "presence");
  const presence = presentClouds.flatMap((cloud) => {
    const figures = measured[cloud];
    return figures === undefined ? [] : [[cloudLabels[cloud], figures] as const];
  });
  const each = (text: (figures: (typeof presence)[number][1]) => string): string =>
    presence.map(([cloud, figures]) => `${cloud} ${text(figures)}`).join(", ");
  const idlePercent = (ms: number | null): string => ms === null ? "–" : `${(ms / 600).toFixed(2)} %`;
  const flap = figuresOf(result, "flap");
  const planner = figuresOf(result, "planner");
  const most = Math.max(...planner.map(({ routes }) => routes));
  const slowest = Math.max(...planner.filter(({ routes }) => routes === most).map(({ median }) => median));
  const longest = Math.max(...planner.map((figure) => figure.longest));
  return [
    ["The file", `${fileMb.toFixed(0)} MB; it needs glibc 2.27 and libgcc_s`],
    ["Start (`version`)", msText(versionMs.median)],
    [
      "Memory with 20 routes, idle, `-event`",
      `${each(({ event }) => `${event.residentMb.toFixed(0)} MB`)}; of it the program's own: ${
        each(({ event }) => event.anonymousMb.toFixed(0))
      }, the rest are the executable's pages, which the kernel can drop`,
    ],
    ["From start to 20 routes in the cloud's test server", each(({ event }) => msText(event.firstRouteMs))],
    [
      "CPU with nothing to do, second minute, default flags",
      each(({ defaults }) => idlePercent(defaults.idleMsAMinute)),
    ],
    [
      "CPU with nothing to do, second minute, `-event`",
      each(({ event }) => idlePercent(event.idleMsAMinute)),
    ],
    ...flap.map(({ events, cpuUsAnEvent, wanted }) => [
      `A flap of ${(events / 2).toLocaleString("en")} routes, ${
        wanted ? "all of them wanted" : "none of them wanted"
      }`,
      `${cpuUsAnEvent.toFixed(0)} µs of CPU an event`,
    ]),
    [
      `Comparing ${most.toLocaleString("en")} wanted routes with as many in the cloud`,
      `${(slowest / 1000).toFixed(1)} s at most, in slices of ${longest.toFixed(0)} ms at most`,
    ],
  ];
}

/** One row a command, at a million kernel routes of which 256 are wanted. */
export function commandRows(): string[][] {
  return figuresOf(result, "commands").map(({ command, ms, timesC, peakMb }) => [
    `\`${command}\``,
    msText(ms),
    timesC.toFixed(1),
    peakMb.toFixed(0),
  ]);
}

function msText(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(ms >= 10_000 ? 0 : 1)} s` : `${ms.toFixed(ms >= 10 ? 0 : 1)} ms`;
}
