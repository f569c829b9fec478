/**
 * Which version of Microsoft.Network's API each call uses.
 *
 * The newest that this program knows, or where that does not exist (Azure Stack, clouds that lag behind) the newest that Azure lists in
 * its refusal. An older version does not show the properties that came later, and a resource that is written back without them
 * loses them: so a resource is only ever written in the version in which it was read.
 */

import { getLogger } from "@logtape/logtape";
import { parseRefusal, refusesApiVersion } from "./errors.ts";

const logger = getLogger(["cloudroutesync", "azure"]);

/** API version of Microsoft.Network that this program is written against, the first to have been tested with ECMP. */
const newestApiVersion = "2026-01-01";
/** The first one whose routes take several next hops. */
const firstEcmpApiVersion = "2025-07-01";
/** How long a lower version is used before the newest is tried again, in milliseconds: the refusal may have been a mistake of the hour. */
const lowerForMs = 3_600_000;

/** A call, as far as its version depends on it. */
interface VersionedCall {
  readonly method: string;
  readonly path: string;
}

/** See the head of this file. */
export class ApiVersions {
  readonly #now: () => number;
  #version = newestApiVersion;
  #loweredAt = 0;
  /** By a resource's path in lower case: the version in which it was read last. */
  readonly #readIn = new Map<string, string>();

  /** @param now milliseconds of a monotonic clock. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether the version in use knows routes with several next hops. */
  get knowsEcmp(): boolean {
    return this.#version >= firstEcmpApiVersion;
  }

  /** The version for a call. A reading is remembered for the writing that may follow. */
  versionFor(call: VersionedCall): string {
    if (call.method !== "GET") return this.#readIn.get(keyOf(call)) ?? this.#version;
    if (this.#version < newestApiVersion && this.#now() - this.#loweredAt >= lowerForMs) {
      this.#version = newestApiVersion;
    }
    this.#readIn.set(keyOf(call), this.#version);
    return this.#version;
  }

  /** Whether a call writes back what was read. */
  writesBack(call: VersionedCall): boolean {
    return call.method === "PUT" && this.#readIn.has(keyOf(call));
  }

  /**
   * Takes a refusal for what it says of the version: lists that exist ("The supported api-versions are '2018-11-01, …'") name a lower
   * one, unless another call that was under way has found it already.
   *
   * @param asked the version that was refused.
   * @returns whether there is a lower one.
   */
  lower(asked: string, body: unknown): boolean {
    const refusal = parseRefusal(body);
    if (!refusesApiVersion(refusal)) return false;
    const listed = refusal.text.match(/\b20[0-9]{2}-[0-9]{2}-[0-9]{2}\b(?!-)/g) ?? [];
    const lower = listed.filter((version) => version < asked).sort().at(-1);
    if (lower === undefined) return false;
    if (lower >= this.#version) return true;
    logger.warn("Azure does not have API version {refused} here; using {lower}", { refused: asked, lower });
    this.#version = lower;
    this.#loweredAt = this.#now();
    return true;
  }
}

function keyOf({ path }: VersionedCall): string {
  return path.replace(/\?.*$/, "").toLowerCase();
}
