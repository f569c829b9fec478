/** Reading and writing whole resources by their ids. */

import * as v from "valibot";
import { CloudError } from "../cloud_error.ts";
import type { ArmAnswer, ArmClient } from "./api.ts";
import { awaitOperation } from "./operations.ts";
import { parseAnswer } from "../kit/answer.ts";
import { pageSchema } from "./schemas.ts";

/** More pages than any list of this program has; an endless chain of links is an error. */
const mostPages = 1_000;

/** A resource to write. */
export interface ResourceWrite {
  /** What is done, as a verb phrase that fits after "Cannot". */
  readonly action: string;
  readonly id: string;
  readonly apiVersion?: string;
  readonly body: unknown;
  /** ETag that the resource must still have. */
  readonly ifMatch?: string | undefined;
}

/** A list to read. */
interface ListRequest {
  readonly action: string;
  readonly path: string;
  readonly apiVersion?: string;
  readonly skipOdd?: boolean;
}

/** Reads a resource. */
export async function readResource<Schema extends v.GenericSchema>(
  arm: ArmClient,
  request: { readonly action: string; readonly id: string; readonly apiVersion?: string },
  schema: Schema,
  signal: AbortSignal,
): Promise<v.InferOutput<Schema>> {
  const { action, id: path, ...rest } = request;
  const answer = await arm.send({ action, method: "GET", path, ...rest, signal });
  return parseAnswer(schema, withEtag(answer), action);
}

/** Reads a resource, or null if it does not exist. */
export async function readResourceIfAny<Schema extends v.GenericSchema>(
  arm: ArmClient,
  request: { readonly action: string; readonly id: string },
  schema: Schema,
  signal: AbortSignal,
): Promise<v.InferOutput<Schema> | null> {
  try {
    return await readResource(arm, request, schema, signal);
  } catch (error) {
    if (error instanceof CloudError && error.kind === "gone") return null;
    throw error;
  }
}

/**
 * Reads all pages of a list.
 *
 * @param request with `skipOdd` an item that makes no sense is left out: it must not keep the others from being found.
 */
export async function listResources<Schema extends v.GenericSchema>(
  arm: ArmClient,
  { skipOdd = false, ...request }: ListRequest,
  schema: Schema,
  signal: AbortSignal,
): Promise<v.InferOutput<Schema>[]> {
  const items: v.InferOutput<Schema>[] = [];
  let path: string | null = request.path;
  for (let page = 0; path !== null && page < mostPages; page++) {
    const answer = await arm.send({ ...request, method: "GET", path, signal });
    const { value, nextLink } = parseAnswer(pageSchema, answer.body, request.action);
    for (const item of value) {
      if (!skipOdd || v.is(schema, item)) items.push(parseAnswer(schema, item, request.action));
    }
    path = nextLink === undefined || nextLink === null || nextLink === "" ? null : nextLink;
  }
  if (path === null) return items;
  throw new CloudError("malformed", `Cannot ${request.action}: the list has more than ${mostPages} pages`);
}

/** Writes a resource and waits until Azure is done with it. */
export async function writeResource(
  arm: ArmClient,
  write: ResourceWrite,
  signal: AbortSignal,
): Promise<void> {
  const { action, id: path, body, ifMatch, ...rest } = write;
  const answer = await arm.send({ action, method: "PUT", path, body, ifMatch, ...rest, signal });
  await awaitOperation(arm, answer, action, signal);
}

/** Deletes a resource and waits until Azure is done with it; one that is not there is fine. */
export async function deleteResource(
  arm: ArmClient,
  request: { readonly action: string; readonly id: string },
  signal: AbortSignal,
): Promise<void> {
  const { action, id: path } = request;
  const answer = await arm.send({ action, method: "DELETE", path, signal });
  await awaitOperation(arm, answer, action, signal);
}

/** Some answers carry their ETag in the header alone. */
function withEtag({ headers, body }: ArmAnswer): unknown {
  const etag = headers["etag"];
  if (etag === undefined || typeof body !== "object" || body === null || "etag" in body) return body;
  return { ...body, etag };
}
