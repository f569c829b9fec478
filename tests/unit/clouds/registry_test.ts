import assert from "node:assert/strict";
import { detectCloud, openCloud } from "../../../src/clouds/registry.ts";
import { localOptions } from "../../fakes/cloud_options.ts";

/** What a VM's DMI says, and the cloud that it tells. */
const machines: readonly (readonly [string, Readonly<Record<string, string>>, string | null])[] = [
  ["EC2 on Nitro", { sys_vendor: "Amazon EC2", product_name: "m5.large", bios_vendor: "Amazon EC2" }, "aws"],
  [
    "EC2 on Xen",
    { sys_vendor: "Xen", product_name: "HVM domU", bios_vendor: "Xen", bios_version: "4.11.amazon" },
    "aws",
  ],
  ["Xen at home", { sys_vendor: "Xen", product_name: "HVM domU", bios_version: "4.17" }, null],
  [
    "Azure",
    {
      sys_vendor: "Microsoft Corporation",
      product_name: "Virtual Machine",
      chassis_asset_tag: "7783-7084-3265-9085-8269-3286-77",
    },
    "azure",
  ],
  ["Hyper-V at home", { sys_vendor: "Microsoft Corporation", product_name: "Virtual Machine" }, null],
  ["GCE", { sys_vendor: "Google", product_name: "Google Compute Engine" }, "gcp"],
  ["Nova", { sys_vendor: "OpenStack Foundation", product_name: "OpenStack Nova" }, "openstack"],
  ["Nova under another vendor's name", { sys_vendor: "RDO", product_name: "OpenStack Compute" }, "openstack"],
  ["plain QEMU", { sys_vendor: "QEMU", product_name: "Standard PC (Q35 + ICH9, 2009)" }, null],
  ["no DMI at all", {}, null],
];

for (const [name, dmi, cloud] of machines) {
  Deno.test(`detectCloud() on ${name} tells ${cloud ?? "nothing"}`, () => {
    assert.equal(detectCloud((field) => dmi[field] ?? null), cloud);
  });
}

Deno.test("openCloud() opens the embedded cloud by its name", async () => {
  const options = localOptions("/nonexistent");
  assert.equal((await openCloud("local", options, { ...options })).name, "local");
});
