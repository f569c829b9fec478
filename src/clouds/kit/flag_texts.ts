/** Flags that several clouds have, and the texts of flags: each function throws a sentence that names the text and what is wrong with it. */

import { optionalFlag } from "../cloud_flag.ts";

/** A whole number of a range. */
export function wholeNumber(text: string, least: number, most: number): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) {
    throw new RangeError(`"${text}" is not a whole number from ${least} to ${most}`);
  }
  return value;
}

/** A number of a range. */
export function decimalNumber(text: string, least: number, most: number): number {
  const value = /^[0-9]*\.?[0-9]+$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) {
    throw new RangeError(`"${text}" is not a number from ${least} to ${most}`);
  }
  return value;
}

/** A base URL without a final slash. */
export function baseUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new SyntaxError(`"${text}" is not an http or https address`);
  }
  return text.replace(/\/+$/, "");
}

/** `-imds-endpoint`: base URL of the metadata service in place of the usual one, for clouds that have no environment variable for it. */
export const metadataEndpointFlag = optionalFlag(
  { name: "imds-endpoint", value: "URL", meaning: "address of the metadata service" },
  baseUrl,
);
