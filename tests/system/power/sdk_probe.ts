/**
 * A program that gives up its power as cloudroutesync does for a cloud, then makes that cloud's first call through its SDK.
 * Prints what came of it.
 */

import process from "node:process";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import { narrowToSettings } from "../../../src/cli/narrow.ts";
import { readSettings } from "../../../src/cli/settings.ts";

const [cloud = "", stateFolder = ""] = Deno.args;

const calls: Readonly<Record<string, () => Promise<string>>> = {
  async aws(): Promise<string> {
    const { DescribeRouteTablesCommand, EC2Client } = await import("@aws-sdk/client-ec2");
    const { RouteTables } = await new EC2Client({ maxAttempts: 1 }).send(new DescribeRouteTablesCommand({}));
    return RouteTables?.[0]?.RouteTableId ?? "nothing";
  },
  async azure(): Promise<string> {
    const { ManagedIdentityCredential } = await import("@azure/identity");
    const { token } = await new ManagedIdentityCredential().getToken("https://management.azure.com/.default");
    return token;
  },
  async gcp(): Promise<string> {
    const { MetadataCredentials } = await import("../../../src/clouds/gcp/credentials.ts");
    const { MetadataServer } = await import("../../../src/clouds/gcp/metadata.ts");
    return await new MetadataCredentials(new MetadataServer(`http://${Deno.env.get("GCE_METADATA_HOST")}`))
      .token();
  },
};

const commandLine = parseCommandLine(["-cloud", cloud], {
  environment: () => undefined,
  readFile: () => "",
});
const { settings } = readSettings(commandLine);
if (settings?.cloud && calls[cloud] !== undefined) {
  await narrowToSettings(settings.cloud, settings, stateFolder);
  const outcome = await calls[cloud]().catch((error: unknown) => `failed: ${error}`);
  process.stdout.write(`${outcome}\n`);
}
