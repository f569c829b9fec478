/** AWS as a Cloud against moto behind the strict front, for tests that make single calls. */

import type { Clock } from "../../../src/async/clock.ts";
import { systemClock } from "../../../src/async/system_clock.ts";
import { openAws } from "../../../src/clouds/aws/aws.ts";
import { Moto, motoMissing } from "../../fakes/aws/moto.ts";
import { AwsRig } from "../../fakes/aws/rig.ts";
import { type AnyCloudOptions, cloudOptions } from "../../fakes/cloud_options.ts";
import { ConnectedCloud } from "../../fakes/connected_cloud.ts";
import { skips } from "../../needs.ts";

const ignore = skips(motoMissing());
/** One for all tests of a file: it takes two seconds to start. */
let moto: Moto | null = null;

/** Ends what the tests of a file share. */
export async function endMoto(): Promise<void> {
  await moto?.[Symbol.asyncDispose]();
}

/** What the SDK reads from the process itself; the tests of one process run one after the other. */
const sdkVariables = ["AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/** What a test works with. */
export interface Subject {
  readonly rig: AwsRig;
  /** Opens the cloud, with a clock of the test's own where one is given. */
  readonly open: (options?: Partial<AnyCloudOptions>, clock?: Partial<Clock>) => ConnectedCloud;
}

/** Makes a test. The file that does must call {@linkcode endMoto} after all. */
export function rigTest(name: string, body: (subject: Subject) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    // The SDK keeps its connections open for the next call.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      await using rig = await AwsRig.start(moto ??= await Moto.start());
      const former = sdkVariables.map((variable) => [variable, Deno.env.get(variable)] as const);
      for (const variable of sdkVariables) Deno.env.delete(variable);
      Deno.env.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", rig.metadata.url);
      try {
        await body({
          rig,
          open: (options, clock) =>
            new ConnectedCloud(openAws(optionsOf(rig, options), { ...systemClock, ...clock })),
        });
      } finally {
        for (const [variable, value] of former) {
          if (value === undefined) Deno.env.delete(variable);
          else Deno.env.set(variable, value);
        }
      }
    },
  });
}

/** The options of a cloud on a rig. */
export function optionsOf(rig: AwsRig, options: Partial<AnyCloudOptions> = {}): AnyCloudOptions {
  return cloudOptions({ environment: (name) => rig.environment[name], ...options });
}
