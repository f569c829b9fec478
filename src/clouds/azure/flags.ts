/** The flags that Azure has besides those of every cloud. */

import { type FlagValues, optionalFlag } from "../cloud_flag.ts";
import type { CloudOptions } from "../cloud_options.ts";
import { baseUrl, metadataEndpointFlag } from "../kit/flag_texts.ts";

/** See the head of this file. */
export const azureFlags = {
  /** Base URL of Resource Manager in place of the public one. */
  azureEndpoint: optionalFlag(
    { name: "azure-endpoint", value: "URL", meaning: "address of the Resource Manager" },
    baseUrl,
  ),
  imdsEndpoint: metadataEndpointFlag,
};

/** What Azure is opened with. */
export type AzureOptions = CloudOptions & FlagValues<typeof azureFlags>;
