/** The files of a release: that all are there, that their checksums are right, and that two builds agree. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { repository } from "../../../.ci/compile.ts";
import { digest } from "../../../.ci/denort.ts";
import { skips } from "../../needs.ts";
import type { Component } from "../../../.ci/sbom.ts";
import { run } from "../../../.ci/shell.ts";
import {
  executableName,
  machine,
  makeRelease,
  releaseFolder,
  releaseMissing,
  version,
} from "./release_files.ts";

const ignore = skips(...releaseMissing);

/** Checksum by name, as SHA256SUMS has them. */
async function sumsOf(folder: string): Promise<ReadonlyMap<string, string>> {
  const lines = (await Deno.readTextFile(join(folder, "SHA256SUMS"))).trim().split("\n");
  return new Map(lines.map((line) => {
    const [sum = "", name = ""] = line.split("  ");
    return [name, sum];
  }));
}

Deno.test({
  name: "a release has all its files, with their checksums",
  ignore,
  async fn(): Promise<void> {
    const folder = await releaseFolder();
    const sums = await sumsOf(folder);
    assert.deepEqual([...sums.keys()], [
      `cloudroutesync-${version}-image.tar`,
      executableName,
      `${executableName}.xz`,
      `cloudroutesync-${version}.cdx.json`,
      "cloudroutesync.8",
      "cloudroutesync.bash",
      "cloudroutesync.default",
      "cloudroutesync.fish",
      "cloudroutesync.licences",
      "cloudroutesync.service",
      "cloudroutesync.zsh",
      `cloudroutesync_${version}_${machine.architecture}.deb`,
      "install.sh",
      "kubernetes-aws.yaml",
      "kubernetes-azure.yaml",
      "kubernetes-gcp.yaml",
      "kubernetes-openstack.yaml",
    ]);
    for (const [name, sum] of sums) {
      assert.equal(await digest(await Deno.readFile(join(folder, name))), sum, name);
    }
  },
});

Deno.test({
  name: "a release tells the licence of everything in the executable and the image, and carries their texts",
  ignore,
  async fn(): Promise<void> {
    const folder = await releaseFolder();
    // The bill is the release's own.
    const { components } = JSON.parse(
      await Deno.readTextFile(join(folder, `cloudroutesync-${version}.cdx.json`)),
    ) as { readonly components: readonly Component[] };
    const required = components.filter(({ scope }) => scope === "required");
    assert.ok(
      required.some(({ name }) => name === "libc6") && required.some(({ name }) => name === "commander"),
    );
    assert.deepEqual(required.filter(({ licenses }) => licenses === undefined).map(({ name }) => name), []);
    const texts = await Deno.readTextFile(join(folder, "cloudroutesync.licences"));
    const missing = required.filter(({ purl, name, version }) =>
      purl.startsWith("pkg:npm/") && !texts.includes(`${name} ${version}: `)
    );
    assert.deepEqual(missing, []);
    assert.match(texts, /Permission is hereby granted, free of charge/);
  },
});

/** The sources in a folder elsewhere: what git knows or would add, the packages, and the repository itself. */
async function copySources(to: string): Promise<void> {
  const list = ["git", "-C", repository, "ls-files", "--cached", "--others", "--exclude-standard"];
  const files = (await run(list)).split("\n");
  await run(["cp", "--parents", "--target-directory", to, ...files], { folder: repository });
  await run(["cp", "--archive", "--link", join(repository, "node_modules"), to]);
  await Deno.symlink(join(repository, ".git"), join(to, ".git"));
}

Deno.test({
  name: "two releases of one commit are equal byte for byte, wherever and whenever they are made",
  ignore,
  async fn(): Promise<void> {
    const first = await releaseFolder();
    const elsewhere = await Deno.makeTempDir({
      prefix: "cloudroutesync-copy-",
      dir: join(repository, "dist"),
    });
    try {
      await copySources(elsewhere);
      const second = join(elsewhere, "release");
      await makeRelease(elsewhere, second);
      assert.deepEqual(await sumsOf(second), await sumsOf(first));
    } finally {
      await Deno.remove(elsewhere, { recursive: true });
    }
  },
});
