/** The text of a ledger: JSON lines, first a header that says whose it is, then one line per event. */

import * as v from "valibot";
import type { Claim, Claims } from "./ownership.ts";

/** Whose ledger it is. */
export interface LedgerHeader {
  readonly cloud: string;
  readonly table: string;
  readonly owner: string;
}

const formatVersion = 1;

const headerSchema = v.strictObject({
  ledger: v.literal("cloudroutesync"),
  version: v.literal(formatVersion),
  cloud: v.string(),
  table: v.string(),
  owner: v.string(),
});
const lineSchema = v.union([
  v.strictObject({ claim: v.string(), nextHops: v.array(v.string()) }),
  v.strictObject({ confirm: v.string(), nextHops: v.array(v.string()) }),
  v.strictObject({ release: v.string() }),
]);

/** An event: a claim, its confirmation by what the cloud shows, or its end. */
export type Line = v.InferOutput<typeof lineSchema>;

/** The whole text of a ledger with these claims. */
export function ledgerText(header: LedgerHeader, claims: Claims): string {
  const lines = [JSON.stringify({ ledger: "cloudroutesync", version: formatVersion, ...header })];
  for (const [prefix, claim] of claims) {
    lines.push(JSON.stringify({ [claim.confirmed ? "confirm" : "claim"]: prefix, nextHops: claim.nextHops }));
  }
  return lineText(lines);
}

/** Events as the end of a ledger's text. */
export function eventText(lines: readonly Line[]): string {
  return lineText(lines.map((line) => JSON.stringify(line)));
}

function lineText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** What could be read of a ledger. */
export interface ParsedLedger {
  readonly claims: Map<string, Claim>;
  /** How many lines there are besides the header. */
  readonly lines: number;
  /** Whether nothing of it can be trusted. */
  readonly lost: boolean;
  /** Content to set aside, or null. */
  readonly untrusted: string | null;
  /** A sentence about that content. */
  readonly problem: string;
}

/** Reads the text of a ledger. @param header whose ledger is expected. */
export function parseLedger(content: string, header: LedgerHeader): ParsedLedger {
  const lost = (problem: string): ParsedLedger => ({
    claims: new Map(),
    lines: 0,
    lost: true,
    untrusted: content,
    problem,
  });
  const lines = content.split("\n");
  const torn = lines.pop() ?? "";
  const found = v.safeParse(headerSchema, parseJson(lines[0] ?? ""));
  if (!found.success) return lost("The ledger has no header that this version understands");
  const { cloud, table, owner } = found.output;
  if (cloud !== header.cloud || table !== header.table || owner !== header.owner) {
    return lost(`The ledger belongs to owner "${owner}" and ${cloud} table ${table}`);
  }
  const claims = new Map<string, Claim>();
  for (const [index, text] of lines.entries()) {
    if (index === 0) continue;
    const line = v.safeParse(lineSchema, parseJson(text));
    if (!line.success) return lost(`The ledger's line ${index + 1} is broken`);
    applyLine(claims, line.output);
  }
  const untrusted = torn === "" ? null : torn;
  return {
    claims,
    lines: lines.length - 1,
    lost: false,
    untrusted,
    problem: "The ledger's last line is torn",
  };
}

/** Makes the change of one line. */
export function applyLine(claims: Map<string, Claim>, line: Line): void {
  if ("claim" in line) claims.set(line.claim, { nextHops: line.nextHops, confirmed: false });
  else if ("confirm" in line) claims.set(line.confirm, { nextHops: line.nextHops, confirmed: true });
  else claims.delete(line.release);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
