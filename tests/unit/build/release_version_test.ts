/** Whatever names a release names the version of deno.json: Terraform's defaults and Kubernetes' manifests. */

import assert from "node:assert/strict";
import configuration from "../../../deno.json" with { type: "json" };

const terraform = new URL("../../../terraform/", import.meta.url);
const { version } = configuration;

Deno.test("Terraform's binary_url is the release's executable for x86-64, checked by the release's own list", async () => {
  const release = `https://github.com/networkop/cloudroutesync/releases/download/v${version}`;
  for (const cloud of ["aws", "azure", "gcp", "openstack"]) {
    const text = await Deno.readTextFile(new URL(`${cloud}/variables.tf`, terraform));
    const fallback = (name: string): string | undefined =>
      new RegExp(`variable "${name}" \\{[^}]*?default +?= "(.*)"`).exec(text)?.[1];
    assert.equal(fallback("binary_url"), `${release}/cloudroutesync-${version}-linux-x86_64`, cloud);
    assert.equal(fallback("binary_sha256"), "", cloud);
  }
});

Deno.test("Kubernetes' manifests run the release's image", async () => {
  const folder = new URL("kubernetes/", terraform);
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".yaml")) continue;
    const text = await Deno.readTextFile(new URL(name, folder));
    const images = [...text.matchAll(/image: (\S+)/g)].map(([, image]) => image);
    assert.deepEqual(images, [`ghcr.io/networkop/cloudroutesync:${version}`], name);
  }
});
