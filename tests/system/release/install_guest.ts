/** A machine with a systemd of its own on which a release is installed. */

import { join } from "node:path";
import { copy } from "./copy.ts";
import type { CommandResult } from "../namespace.ts";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { Guest, guestMissing } from "../systemd/guest.ts";
import { machine, releaseFolder, releaseMissing, version } from "./release_files.ts";

const ignore = skips(guestMissing(), await binaryMissing(), ...releaseMissing);

/** Where the release lies inside. */
export const place = "/root/release";
/** Where the installation goes. */
export const program = "/usr/local/bin/cloudroutesync";
export const unit = "/etc/systemd/system/cloudroutesync.service";
export const settings = "/etc/default/cloudroutesync";

/** Runs a test on such a machine, whose network has eth0 with 10.0.0.2/24; nothing is installed. */
export function installTest(
  name: string,
  run: (guest: InstallGuest, test: Deno.TestContext) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore,
    async fn(test): Promise<void> {
      // Built before the machine is: it takes the processors for itself.
      await releaseFolder();
      await using guest = await Guest.boot(await binaryPath());
      const install = new InstallGuest(guest);
      await install.prepare();
      await run(install, test);
    },
  });
}

/** See the head of this file. */
export class InstallGuest {
  readonly guest: Guest;
  /** As they were looked at last; null if they have been changed since. */
  #files: string | null = null;

  constructor(guest: Guest) {
    this.guest = guest;
  }

  /** Lays the release in, but for what is not installed from. */
  async prepare(): Promise<void> {
    await this.guest.must(["rm", program]);
    await copy(await releaseFolder(), this.guest.path(place), (name) => !name.endsWith(".tar"));
    await Deno.mkdir(this.guest.path("/root/stubs"));
    await this.guest.ip(
      "link set lo up",
      "link add eth0 type veth peer name fabric",
      "address add 10.0.0.2/24 dev eth0",
      "link set eth0 up",
      "link set fabric up",
    );
  }

  /** `sh install.sh ARGUMENTS`. */
  async install(...args: readonly string[]): Promise<CommandResult> {
    return await this.guest.run([
      "env",
      "PATH=/root/stubs:/usr/sbin:/usr/bin:/sbin:/bin",
      "sh",
      `${place}/install.sh`,
      ...args,
    ]);
  }

  /** Lets a command say something else than it would. */
  async stub(command: string, script: string): Promise<void> {
    const path = this.guest.path(`/root/stubs/${command}`);
    await Deno.writeTextFile(path, `#!/bin/sh\n${script}\n`);
    await Deno.chmod(path, 0o755);
  }

  /** Lets it speak for itself again. */
  async unstub(command: string): Promise<void> {
    await Deno.remove(this.guest.path(`/root/stubs/${command}`));
  }

  async read(path: string): Promise<string> {
    return await Deno.readTextFile(this.guest.path(path));
  }

  async write(path: string, text: string): Promise<void> {
    this.forget();
    await Deno.writeTextFile(this.guest.path(path), text);
  }

  /** Every file of the machine that an installation could have left, with its checksum. */
  async files(): Promise<string> {
    const folders = ["/etc", "/usr/local"];
    const find = `find ${folders.join(" ")} -type f -exec sha256sum {} +; find ${
      folders.join(" ")
    } ! -type f`;
    return (await this.guest.must(["sh", "-c", `{ ${find}; } | sort -k 2`]));
  }

  /** The same, as they were looked at last. */
  async filesBefore(): Promise<string> {
    return this.#files ?? await this.filesNow();
  }

  /** The same, as they are. */
  async filesNow(): Promise<string> {
    return this.#files = await this.files();
  }

  /** The test has changed files itself. */
  forget(): void {
    this.#files = null;
  }

  /** The value of one of the unit's properties. */
  async show(property: string): Promise<string> {
    return (await this.guest.must([
      "systemctl",
      "show",
      "--value",
      `--property=${property}`,
      "cloudroutesync",
    ])).trim();
  }
}

/** The Debian package inside. */
export const debFile = join(place, `cloudroutesync_${version}_${machine.architecture}.deb`);
