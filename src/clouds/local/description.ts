/** The embedded cloud as the registry knows it. */

import { type CloudDescription, describeCloud } from "../cloud_description.ts";
import { noApiWords } from "../kit/api_call.ts";
import { localFlags } from "./flags.ts";
import { localNetworkFacts } from "./network_facts.ts";

/** See the head of this file. */
export const local: CloudDescription = describeCloud({
  flags: localFlags,
  sharedFlags: [],
  power: { network: false, environment: [], files: [], sys: [] },
  networkFacts: localNetworkFacts,
  apiWords: noApiWords,
  detect: () => false,
  load: async () => (await import("./local.ts")).openLocal,
});
