/** The committed result of the bench: `result.json`. Each section says when it was measured, and how busy the machine was. */

import type { CommandFigure } from "./command_cost.ts";
import type { Counts } from "./counts.ts";
import type { DumpFigures } from "./dump_bench.ts";
import type { Figure } from "./figure.ts";
import type { HerdRow } from "./herd.ts";
import type { Machine } from "./machine.ts";
import type { PlannerFigure } from "./planner.ts";
import type { Presence, PresentCloud } from "./presence.ts";
import type { FlapFigure, ReactionFigure } from "./reaction.ts";
import type { StartFigures } from "./start.ts";

/** What is measured, by section. */
export interface Sections {
  /** Reading a table, beside the peers. */
  readonly dump: DumpFigures;
  /** Commands at a full Internet table. */
  readonly commands: readonly CommandFigure[];
  /** From the kernel's change to the cloud. */
  readonly reaction: readonly ReactionFigure[];
  readonly flap: readonly FlapFigure[];
  /** The kernel's side by itself: a probe in the place of the executable, beside C programs. */
  readonly kernel: readonly Figure[];
  /** What being there costs, at default flags and with `-event`. */
  readonly presence: Partial<
    Readonly<Record<PresentCloud, Readonly<Record<"defaults" | "event", Presence>>>>
  >;
  readonly start: StartFigures;
  readonly planner: readonly PlannerFigure[];
  /** Many routers of one account, on a virtual clock: how busy the machine is does not matter. */
  readonly herd: readonly HerdRow[];
  readonly counts: Counts;
}

export type SectionName = keyof Sections;

/** A section as it is kept. */
export interface Measured<Name extends SectionName> {
  /** Day of the measurement, ISO 8601. */
  readonly date: string;
  readonly commit: string;
  /** Average load of the last minute before and after; the bench itself makes about 1. */
  readonly load: readonly [before: number, after: number];
  /** Where it was measured, unless on the result's machine. */
  readonly machine?: Machine;
  readonly figures: Sections[Name];
}

/** The whole. */
export interface Result {
  /** Where all sections were measured that do not name another. */
  readonly machine: Machine;
  readonly sections: { readonly [Name in SectionName]?: Measured<Name> };
}

export const resultPath = new URL("result.json", import.meta.url);

/** The result as committed. @throws {Error} if there is none. */
export function readResult(): Result {
  return JSON.parse(Deno.readTextFileSync(resultPath)) as Result;
}

/** Keeps a result, with numbers of four digits. */
export async function writeResult(result: Result): Promise<void> {
  const text = JSON.stringify(result, (_key, value) => typeof value === "number" ? rounded(value) : value, 2);
  await Deno.writeTextFile(resultPath, `${text}\n`);
}

function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(4));
}

/** Figures of a section. @throws {Error} if it was not measured. */
export function figuresOf<Name extends SectionName>(result: Result, name: Name): Sections[Name] {
  const section = result.sections[name];
  if (section === undefined) {
    throw new Error(`Cannot find the section ${name} in result.json: run deno task bench ${name}`);
  }
  return section.figures;
}
