/** The flags that OpenStack has besides those of every cloud. */

import { asText, type FlagValues, optionalFlag } from "../cloud_flag.ts";
import type { CloudOptions } from "../cloud_options.ts";
import { metadataEndpointFlag } from "../kit/flag_texts.ts";

/** See the head of this file. */
export const openstackFlags = {
  /** The router's id or name. */
  router: optionalFlag({ name: "router", value: "ID", meaning: "the router, by id or name" }, asText),
  /** Name of the entry in clouds.yaml. */
  osCloud: optionalFlag({ name: "os-cloud", value: "NAME", meaning: "entry of clouds.yaml" }, asText),
  imdsEndpoint: metadataEndpointFlag,
};

/** What OpenStack is opened with. */
export type OpenstackOptions = CloudOptions & FlagValues<typeof openstackFlags>;
