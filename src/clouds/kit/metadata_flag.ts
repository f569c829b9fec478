/** The flag of the clouds whose metadata service has no environment variable of its own for its address. */

import { optionalFlag } from "../cloud_flag.ts";
import { baseUrl } from "./flag_texts.ts";

/** `-imds-endpoint`: base URL of the metadata service in place of the usual one. */
export const metadataEndpointFlag = optionalFlag(
  { name: "imds-endpoint", value: "URL", meaning: "address of the metadata service" },
  baseUrl,
);
