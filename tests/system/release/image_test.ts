/** The container image: run without a container engine, in a root of its own, by the image's user. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { neededLibraries } from "../../../.ci/release/libraries.ts";
import type { CloudFile } from "../local/router.ts";
import { skips } from "../../needs.ts";
import { Namespace, namespacesMissing } from "../namespace.ts";
import { type UnpackedImage, unpackImage } from "./image_files.ts";
import { machine, releaseFolder, releaseMissing, version } from "./release_files.ts";

const ignore = skips(...releaseMissing, namespacesMissing());
/** Largest image as a registry has it, packed as a release is, in bytes. */
const largest = 42e6;

async function withImage(run: (image: UnpackedImage) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-image-" });
  try {
    await run(await unpackImage(join(await releaseFolder(), `cloudroutesync-${version}-image.tar`), folder));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Mounts as an engine does: the root read-only but for the state folder, and /proc. */
async function mount(namespace: Namespace, { root, config }: UnpackedImage): Promise<void> {
  const [uid, gid] = config.config.User.split(":");
  const state = `${root}/var/lib/cloudroutesync`;
  for (const folder of ["proc", "etc"]) await Deno.mkdir(join(root, folder), { recursive: true });
  const commands = [
    `mount --bind ${root} ${root}`,
    `mount -o remount,bind,ro ${root}`,
    `mount -t proc proc ${root}/proc`,
    `mount -t tmpfs -o mode=0700,uid=${uid},gid=${gid} state ${state}`,
  ];
  await namespace.must(["sh", "-euc", commands.join("\n")]);
}

/** The command line of the image's program, by the image's user, who has no capabilities. */
function command({ root, config }: UnpackedImage, args: readonly string[]): string[] {
  const { User, Env, Entrypoint } = config.config;
  return [
    "env",
    "-i",
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    ...Env,
    "chroot",
    `--userspec=${User}`,
    "--groups=",
    root,
    ...Entrypoint,
    ...args,
  ];
}

Deno.test({
  name: "the image has the executable, its libraries and certificates, no shell, and a user without rights",
  ignore,
  fn: () =>
    withImage(async ({ root, config, packedSize, digest }) => {
      assert.equal(config.architecture, machine.architecture);
      assert.equal(config.config.User, "65532:65532");
      assert.deepEqual([...config.config.Entrypoint, ...config.config.Cmd], [
        "/usr/local/bin/cloudroutesync",
        "run",
      ]);
      assert.ok(packedSize <= largest, `${packedSize} bytes`);
      const programs = ["bin", "sbin", "usr/bin", "usr/sbin"];
      for (const folder of programs) {
        await assert.rejects(Deno.stat(join(root, folder)), Deno.errors.NotFound);
      }
      const authorities = await Deno.readTextFile(join(root, "etc/ssl/certs/ca-certificates.crt"));
      assert.ok(authorities.split("-----BEGIN CERTIFICATE-----").length > 100);
      assert.equal((await Deno.stat(join(root, "var/lib/cloudroutesync"))).uid, 65532);
      const libraries = join(root, "lib", machine.triplet);
      const needed = await neededLibraries(join(root, "usr/local/bin/cloudroutesync"), libraries);
      assert.ok(needed.includes("libc.so.6") && needed.includes("libgcc_s.so.1"));
      const there = (await Array.fromAsync(Deno.readDir(libraries))).map(({ name }) => name);
      assert.deepEqual(there.sort(), needed);
      const manifest = await Deno.readTextFile(join(await releaseFolder(), "kubernetes-aws.yaml"));
      assert.ok(manifest.includes(`image: ghcr.io/networkop/cloudroutesync:${version}@${digest}\n`));
    }),
});

Deno.test({
  name:
    "the image's program puts kernel routes into the embedded cloud, in a read-only root without capabilities",
  ignore,
  fn: () =>
    withImage(async (image) => {
      await using namespace = await Namespace.create();
      await namespace.veth("eth0", "fabric", "10.0.0.2/24");
      await namespace.ip("route add default via 10.0.0.1");
      await namespace.ip("route add 198.51.100.0/24 via 10.0.0.7 proto bgp");
      await mount(namespace, image);

      const version = await namespace.must(command(image, ["version"]));
      assert.match(version, /^cloudroutesync /);
      const table = "/var/lib/cloudroutesync/table.json";
      const { code, stderr } = await namespace.run(
        command(image, ["apply", "-cloud", "local", "-local-file", table]),
      );
      assert.equal(code, 0, stderr);
      const { routes } = JSON.parse(await namespace.must(["cat", image.root + table])) as CloudFile;
      assert.deepEqual(routes.map(({ prefix, nextHop }) => `${prefix} ${nextHop}`), [
        "198.51.100.0/24 10.0.0.7",
      ]);

      const elsewhere = await namespace.run(
        command(image, ["apply", "-cloud", "local", "-local-file", "/etc/table.json"]),
      );
      assert.equal(elsewhere.code, 1);
      assert.match(elsewhere.stderr, /read-only file system/);
    }),
});
