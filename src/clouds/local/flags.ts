/** The flags that the embedded cloud has besides those of every cloud. */

import { parseDuration } from "../../async/duration.ts";
import { type FlagValues, flagWithDefault } from "../cloud_flag.ts";
import type { CloudOptions } from "../cloud_options.ts";
import { decimalNumber } from "../kit/flag_texts.ts";

/** See the head of this file. */
export const localFlags = {
  /** The file that is the cloud. */
  localFile: flagWithDefault(
    {
      name: "local-file",
      value: "FILE",
      default: "./cloudroutesync.local.json",
      meaning: "the file that stands for the cloud",
    },
    fileName,
  ),
  /** Milliseconds that a call takes. */
  localLatencyMs: flagWithDefault(
    { name: "local-latency", value: "TIME", default: "0", meaning: "how long a call takes" },
    parseDuration,
  ),
  /** Share of calls that fail, 0 to 1. */
  localFaults: flagWithDefault(
    { name: "local-faults", value: "SHARE", default: "0", meaning: "share of calls that fail, 0 to 1" },
    (text) => decimalNumber(text, 0, 1),
  ),
};

/** What the embedded cloud is opened with. */
export type LocalOptions = CloudOptions & FlagValues<typeof localFlags>;

/** `.lock` beside it would be a file, too. */
function fileName(text: string): string {
  if (text !== "") return text;
  throw new SyntaxError("the name of a file is empty");
}
