/** Neutron's answers, checked before they are used: one document, or a list with all its pages. */

import * as v from "valibot";
import { CloudError } from "../cloud_error.ts";
import { parseAnswer } from "../kit/answer.ts";
import { linksSchema } from "./schemas.ts";
import type { NeutronCall, Session } from "./session.ts";

/** Parameters of a query, in their order; a name may stand several times. */
export type Parameters = readonly (readonly string[])[];

/** A list to read. */
export interface ListCall {
  readonly action: string;
  readonly name: "networks" | "ports" | "subnets" | "routers";
  readonly parameters: Parameters;
  readonly signal: AbortSignal;
}

/** See the head of this file. Every method throws {@linkcode CloudError} if its call fails or its answer is not as documented. */
export class AnswerReader {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * A list, all pages of it: where the operator sets `pagination_max_limit` Neutron answers with so many entries and says by
   * `NAME_links` that there are more, which begin behind the last one ("Pagination" in the Networking API).
   */
  async list<Schema extends v.GenericSchema<unknown, { readonly id: string }>>(
    { action, name, parameters, signal }: ListCall,
    schema: Schema,
  ): Promise<v.InferOutput<Schema>[]> {
    const found = new Map<string, v.InferOutput<Schema>>();
    let marker: string | undefined;
    for (;;) {
      const path = `${name}?${query([...parameters, ...(marker === undefined ? [] : [["marker", marker]])])}`;
      const answer = await this.get({ action, path, signal }, v.record(v.string(), v.unknown()));
      const entries = parseAnswer(v.array(schema), answer[name], action);
      const links = parseAnswer(linksSchema, answer[`${name}_links`], action);
      for (const entry of entries) found.set(entry.id, entry);
      const last = entries.at(-1)?.id;
      if (last === undefined || !links.some(({ rel }) => rel === "next")) return [...found.values()];
      if (last === marker) {
        throw new CloudError("malformed", `Cannot ${action}: a page names itself as its next`);
      }
      marker = last;
    }
  }

  /** One document. */
  async get<Schema extends v.GenericSchema>(
    call: NeutronCall,
    schema: Schema,
  ): Promise<v.InferOutput<Schema>> {
    const { body, status } = await this.#session.call(call);
    return parseAnswer(schema, body, call.action, {
      // A change was taken whatever its answer says, so it must not count as refused.
      kind: call.method === "PUT" ? "unavailable" : "malformed",
      status,
    });
  }
}

/** Asks for these fields alone. */
export function fields(names: readonly string[]): Parameters {
  return names.map((name) => ["fields", name]);
}

/** A query string. */
export function query(pairs: Parameters): string {
  return pairs.map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
}
