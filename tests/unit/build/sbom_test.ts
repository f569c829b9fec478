/** The bill of materials of a release. */

import assert from "node:assert/strict";
import { billOfMaterials, type Component, type LockFile } from "../../../.ci/sbom.ts";
import type { DebianPackage } from "../../../.ci/release/debian_packages.ts";
import { repositoryFolder } from "../module_graph.ts";

// Base64 of 64 zero bytes, as npm writes it.
const integrity = `sha512-${btoa("\0".repeat(64))}`;
const lock: LockFile = {
  npm: {
    "@azure/identity@4.14.1": { integrity },
    "esbuild@0.28.2": { integrity },
    "peered@1.0.0_other@2.0.0": { integrity },
  },
};

const libc: DebianPackage = {
  name: "libc6",
  version: "2.36-9+deb12u14",
  architecture: "arm64",
  licence: "LGPL-2.1-or-later",
  sha256: "00".repeat(32),
  control: "",
};

async function componentsOf(bundledFiles: readonly string[]): Promise<readonly Component[]> {
  const bill = await billOfMaterials({
    lock,
    bundledFiles,
    denoVersion: "2.6.10",
    repository: repositoryFolder,
    imagePackages: [libc],
  });
  assert.equal(bill["bomFormat"], "CycloneDX");
  // The bill's own type is open: it is a document for others.
  return bill["components"] as readonly Component[];
}

Deno.test("billOfMaterials() lists the runtime and every package of the lock file", async () => {
  const components = await componentsOf([]);
  assert.deepEqual(components.map(({ purl }) => purl), [
    "pkg:github/denoland/deno@v2.6.10",
    "pkg:npm/%40azure/identity@4.14.1",
    "pkg:npm/esbuild@0.28.2",
    "pkg:npm/peered@1.0.0",
    "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=arm64",
  ]);
  assert.deepEqual(components[1]?.hashes, [{ alg: "SHA-512", content: "00".repeat(64) }]);
});

Deno.test("billOfMaterials() tells what is in the executable from what builds it", async () => {
  const bundled = ["node_modules/.deno/@azure+identity@4.14.1/node_modules/@azure/identity/dist/index.js"];
  const scopes = (await componentsOf(bundled)).map(({ name, scope }) => `${name} ${scope}`);
  assert.deepEqual(scopes, [
    "deno required",
    "@azure/identity required",
    "esbuild excluded",
    "peered excluded",
    "libc6 required",
  ]);
});

Deno.test("billOfMaterials() names the licence that an installed package declares", async () => {
  const [, , esbuild, peered] = await componentsOf([]);
  assert.deepEqual(esbuild?.licenses, [{ expression: "MIT" }]);
  assert.equal(peered?.licenses, undefined);
});
