/** The inputs that are kept: one file a target, one input a line, as hex digits. */

import { fromHex } from "../fakes/netlink_messages.ts";

function fileOf(target: string): URL {
  return new URL(`corpus/${target}.txt`, import.meta.url);
}

/** The inputs of a target; none where there is no file yet. */
export async function readCorpus(target: string): Promise<Uint8Array[]> {
  try {
    const text = await Deno.readTextFile(fileOf(target));
    return text.split("\n").filter((line) => line !== "").map(fromHex);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Keeps these inputs, and no others. */
export async function writeCorpus(target: string, inputs: readonly Uint8Array[]): Promise<void> {
  const lines = inputs.map((input) => `${input.toHex()}\n`);
  await Deno.writeTextFile(fileOf(target), lines.join(""));
}
