/** The flags that Google Cloud has besides those of every cloud. */

import { asText, type FlagValues, flagWithDefault, listFlag, optionalFlag } from "../cloud_flag.ts";
import type { CloudOptions } from "../cloud_options.ts";
import { baseUrl, metadataEndpointFlag, wholeNumber } from "../kit/flag_texts.ts";

/** See the head of this file. */
export const gcpFlags = {
  /** Priority of the routes, 0 to 65535, lower wins. */
  priority: flagWithDefault(
    {
      name: "priority",
      value: "NUMBER",
      default: "1000",
      meaning: "priority of the routes, 0 to 65535, lower wins",
    },
    (text) => wholeNumber(text, 0, 65535),
  ),
  /** Network tags that routes are limited to; empty: all instances. */
  instanceTags: listFlag(
    { name: "instance-tag", value: "TAG", meaning: "limit the routes to instances with this network tag" },
    asText,
  ),
  /** Forwarding rule that routes point at in place of this VM. */
  nextHopIlb: optionalFlag(
    { name: "next-hop-ilb", value: "RULE", meaning: "forwarding rule to point at instead of this VM" },
    asText,
  ),
  /** Base URL of Compute Engine in place of the public one. */
  gcpEndpoint: optionalFlag(
    { name: "gcp-endpoint", value: "URL", meaning: "address of the Compute API" },
    baseUrl,
  ),
  imdsEndpoint: metadataEndpointFlag,
};

/** What Google Cloud is opened with. */
export type GcpOptions = CloudOptions & FlagValues<typeof gcpFlags>;
