/** One exchange with an API, for the log and the metrics: what was called, how it ended, how long it took. Holds no secret. */

/** See the head of this file. */
export interface ApiCall {
  /** `CreateRoute`, `GET routeTables/routes`: few in number, without the ids in between. */
  readonly operation: string;
  /** Method and URL, without query, user and password. */
  readonly place: string;
  /** The HTTP status; null where there was no answer. */
  readonly status: number | null;
  readonly milliseconds: number;
  readonly requestId: string | null;
}

/** What of an API's requests and answers is used here; each cloud says it of its own. */
export interface ApiWords {
  /** The words of its paths that name a kind of thing, in any case. All others are ids: left out, so that the operations stay few. */
  readonly paths: readonly string[];
  /** The headers in which it tells the id of a request, which its support asks for. */
  readonly requestIds: readonly string[];
}

/** Of an API of which nothing is known. */
export const noApiWords: ApiWords = { paths: [], requestIds: [] };

/** How much of a path an operation names, from its end: the rest says where. */
const mostKinds = 3;

/**
 * The operation of a request: AWS' own name where the body or a header has one, else the method and the kinds of things in the path.
 *
 * @param body the request's, of which only `Action=NAME` is taken (EC2 and STS query protocol).
 */
export function operationOf(
  { method, url, headers, body }: {
    readonly method: string;
    readonly url: URL;
    readonly headers: Headers;
    readonly body: unknown;
  },
  { paths }: ApiWords,
): string {
  const action = /(?:^|&)Action=([A-Za-z]{1,64})(?:&|$)/.exec(typeof body === "string" ? body : "")?.[1] ??
    /\.([A-Za-z]{1,64})$/.exec(headers.get("x-amz-target") ?? "")?.[1];
  if (action !== undefined) return action;
  const path = url.pathname.split("/").flatMap((part) => {
    // Azure does not always write a word in the same case.
    const word = part.replace(/\.json$/, "").toLowerCase();
    return paths.find((kind) => kind.toLowerCase() === word) ?? [];
  });
  return `${method} ${path.slice(-mostKinds).join("/") || "other"}`;
}

/** A URL for people: no query, which may carry a token; no id of a container's credentials, which whoever knows it gets. */
export function placeOf(method: string, url: URL): string {
  return `${method} ${url.origin}${url.pathname.replace(/^(\/v\d+\/credentials\/).+$/, "$1…")}`;
}

/** The id that the cloud gave a request; null where it gave none. */
export function requestIdOf(headers: Headers, { requestIds }: ApiWords): string | null {
  for (const name of requestIds) {
    const id = headers.get(name);
    if (id !== null) return id;
  }
  return null;
}
