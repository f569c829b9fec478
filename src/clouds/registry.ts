/** The clouds: how to open each, and how to tell which one this VM runs in. */

import type { Cloud, CloudName } from "./cloud.ts";
import type { CloudOptions } from "./cloud_options.ts";

/** Opens a cloud. Each is a module of its own, loaded only when it is asked for: the SDKs are large. */
export async function openCloud(name: CloudName, options: CloudOptions): Promise<Cloud> {
  switch (name) {
    case "local":
      return (await import("./local/local.ts")).openLocal(options);
    case "aws":
      return (await import("./aws/aws.ts")).openAws(options);
    case "azure":
      return (await import("./azure/azure.ts")).openAzure(options);
    case "gcp":
      return (await import("./gcp/gcp.ts")).openGcp(options);
    case "openstack":
      return (await import("./openstack/openstack.ts")).openOpenstack(options);
  }
}

/**
 * Tells the cloud by the strings that its hypervisor puts into DMI, as cloud-init's ds-identify does.
 *
 * @param dmi reads one of /sys/class/dmi/id; null if it is not there.
 * @returns null if they say nothing.
 */
export function detectCloud(dmi: (name: string) => string | null): CloudName | null {
  const vendor = dmi("sys_vendor") ?? "";
  const product = dmi("product_name") ?? "";
  if (vendor === "Amazon EC2" || (dmi("bios_vendor") ?? "") === "Amazon EC2") return "aws";
  if (dmi("chassis_asset_tag") === azureChassisTag) return "azure";
  if (product === "Google Compute Engine") return "gcp";
  if (product.startsWith("OpenStack") || vendor === "OpenStack Foundation") return "openstack";
  return null;
}

/** Tells Azure from other Hyper-V machines (cloud-init, DataSourceAzure). */
const azureChassisTag = "7783-7084-3265-9085-8269-3286-77";
