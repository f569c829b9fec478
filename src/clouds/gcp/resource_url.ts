/**
 * Names of Google's resources.
 *
 * The API writes a resource as a URL (`https://www.googleapis.com/compute/v1/projects/p/global/networks/n`),
 * whose host and version differ from answer to answer, and takes its tail just as well. The tail is what is
 * compared and shown here.
 */

/** The tail of a resource's URL, from `projects/` on; anything else comes back as it is. */
export function shortUrl(url: string): string {
  return url.replace(/^https?:\/\/[^/]+\/(compute\/[^/]+\/)?/, "");
}

/** The last part of a resource's URL: its own name. */
export function resourceName(url: string): string {
  return url.slice(url.lastIndexOf("/") + 1);
}

/** The project that a resource's URL names, or null if it names none. */
export function projectOf(url: string): string | null {
  return /^projects\/([^/]+)\//.exec(shortUrl(url))?.[1] ?? null;
}

/** The region of a zone: `europe-west1` of `europe-west1-b` (or of a URL that ends so). */
export function regionOfZone(zone: string): string {
  return resourceName(zone).replace(/-[a-z]+$/, "");
}
