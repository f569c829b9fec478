/** The Debian package on a machine with a systemd of its own: install, start, upgrade, remove, purge. */

import assert from "node:assert/strict";
import { debFile, type InstallGuest, installTest, settings } from "./install_guest.ts";
import { machine, version } from "./release_files.ts";

const state = "/var/lib/private/cloudroutesync";
const newer = `${version}+newer`;

/** Folders that belong to other packages too, so that this one's removal leaves them. */
const shared = [
  "/.",
  "/etc",
  "/etc/default",
  "/usr",
  "/usr/bin",
  "/usr/lib",
  "/usr/lib/systemd",
  "/usr/lib/systemd/system",
];

/** Gives the machine a dpkg that knows glibc and libgcc as installed, and folders that it may write to. */
async function prepareDpkg({ guest }: InstallGuest): Promise<void> {
  const known = await guest.must([
    "sh",
    "-c",
    "rm -rf /var/lib/dpkg; mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /var/lib/dpkg/triggers",
  ]);
  assert.equal(known, "");
  const { stdout } = await new Deno.Command("dpkg", { args: ["--status", "libc6", "libgcc-s1"] }).output();
  await Deno.writeFile(guest.path("/var/lib/dpkg/status"), stdout);
  for (const name of ["libc6", "libgcc-s1"]) {
    await Deno.writeTextFile(
      guest.path(`/var/lib/dpkg/info/${name}:${machine.architecture}.list`),
      shared.join("\n") + "\n",
    );
  }
  for (const folder of ["/usr/bin", "/usr/share"]) {
    const upper = `/run/over${folder}`;
    await guest.must(["mkdir", "-p", `${upper}/upper`, `${upper}/work`]);
    const layers = `lowerdir=${folder},upperdir=${upper}/upper,workdir=${upper}/work`;
    await guest.must(["mount", "-t", "overlay", "-o", layers, "over", folder]);
  }
}

/** The package as a later version, with nothing else changed. */
async function makeNewer({ guest }: InstallGuest): Promise<string> {
  const script = `cd /root && dpkg-deb --raw-extract ${debFile} newer &&
    sed -i 's/^Version: .*/Version: ${newer}/' newer/DEBIAN/control && dpkg-deb -Znone --build newer newer.deb`;
  await guest.must(["sh", "-c", script]);
  return "/root/newer.deb";
}

async function exists({ guest }: InstallGuest, path: string): Promise<boolean> {
  return (await guest.run(["test", "-e", path])).code === 0;
}

installTest(
  "the Debian package installs, starts, upgrades, removes and purges the service",
  async (install) => {
    const { guest } = install;
    await prepareDpkg(install);

    const first = await guest.must(["dpkg", "--install", debFile]);
    assert.match(first, /installed and not started[^]*systemctl enable --now cloudroutesync/);
    assert.equal(await install.show("ActiveState"), "inactive");
    assert.match(
      await guest.must(["/usr/bin/cloudroutesync", "version"]),
      new RegExp(`^cloudroutesync ${version} `),
    );
    assert.match(await install.show("ExecStart"), /path=\/usr\/bin\/cloudroutesync /);
    assert.equal(((await Deno.stat(guest.path(settings))).mode ?? 0) & 0o777, 0o600);

    const own = 'CLOUDROUTESYNC_CLOUD="local"\nCLOUDROUTESYNC_EVENT="true"\n';
    await install.write(settings, own);
    await guest.must(["systemctl", "enable", "--now", "cloudroutesync"]);
    const before = await install.show("MainPID");

    await guest.must(["dpkg", "--install", await makeNewer(install)]);
    assert.equal(await guest.must(["dpkg-query", "-W", "-f", "${Version}", "cloudroutesync"]), newer);
    assert.equal(await install.read(settings), own);
    assert.equal(await install.show("ActiveState"), "active");
    assert.notEqual(await install.show("MainPID"), before);

    assert.match(await guest.must(["dpkg", "--remove", "cloudroutesync"]), /Its routes stay in the cloud/);
    assert.equal(await install.show("LoadState"), "not-found");
    assert.equal(await exists(install, "/usr/bin/cloudroutesync"), false);
    assert.equal(
      await exists(install, "/etc/systemd/system/multi-user.target.wants/cloudroutesync.service"),
      false,
    );
    assert.deepEqual([await exists(install, settings), await exists(install, state)], [true, true]);

    await guest.must(["dpkg", "--purge", "cloudroutesync"]);
    assert.deepEqual([await exists(install, settings), await exists(install, state)], [false, false]);
    assert.equal(await exists(install, "/usr/share/man/man8/cloudroutesync.8.gz"), false);
  },
);
