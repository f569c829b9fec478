/**
 * The shipped unit on a cloud's VM: a guest with the VM's links, the cloud's test servers where the real ones are found, and the
 * ways in which people start the program there. What the clouds share; each adds its servers and its credentials.
 */

import assert from "node:assert/strict";
import { type Relayed, relayInto } from "../../fakes/namespace_relay.ts";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import type { CommandResult } from "../namespace.ts";
import { patienceMs, until } from "../until.ts";
import { Guest, guestMissing } from "./guest.ts";
import { Service } from "./service.ts";

/** Where every cloud has its metadata service. */
export const metadataAddress = "169.254.169.254:80";

/** A cloud for a guest. */
export interface GuestCloud extends AsyncDisposable {
  readonly name: "aws" | "azure" | "gcp" | "openstack";
  /** `ip ARGUMENTS` that make the VM's links; loopback is up and has the metadata service's address. */
  readonly links: readonly string[];
  /** How a daemon's route goes on after its prefix: `via 172.31.0.5`. */
  readonly via: string;
  readonly servers: readonly (number | Relayed)[];
  /** Variables by which the servers are found, none of which proves anything. */
  readonly variables: Readonly<Record<string, string>>;
  readonly credentials: readonly Credential[];
  /** The prefixes in the subnet's table. */
  prefixes(): Promise<readonly string[]>;
}

/** A way to prove to the cloud who this is. */
export interface Credential {
  readonly name: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Texts by path in the guest. */
  readonly files?: Readonly<Record<string, string>>;
  /** Fails unless the cloud was asked with this very credential. */
  readonly wasUsed: () => void;
}

/** How often the cloud is asked for its table, in milliseconds: real servers are slow to answer, and share the processors. */
const lookEveryMs = 250;

/** How the unit is overridden to run as another user. */
const users: Readonly<Record<string, string>> = {
  "User=": "DynamicUser=no\nUser=nobody\nGroup=nogroup",
  "root": "DynamicUser=no\nUser=root",
};

/** A script that makes all of the guest read-only but for /state, and becomes its arguments. */
const readOnlyRoot = `
mount --make-rprivate /
mount -t tmpfs state /state
for place in / /run /dev /dev/shm; do mount -o remount,bind,ro $place; done
if touch /etc/x /run/x /tmp/x 2>/dev/null; then exit 99; fi
exec "$@"`;

const guestLacks = [guestMissing(), await binaryMissing()];

/** A test on one guest of a cloud: each credential by the unit and from a bare shell, and the users that it may run as. */
export function guestTest(cloud: string, missing: string | null, open: () => Promise<GuestCloud>): void {
  const ignore = skips(missing, ...guestLacks);
  Deno.test({
    name: `the shipped unit keeps the table of a VM on ${cloud}, whatever the credential and the user`,
    ignore,
    // The clouds' SDKs in this process keep connections open.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async (t) => {
      await using stage = await open();
      await using guest = await Guest.boot(await binaryPath());
      const vm = new CloudGuest(stage, guest);
      await using _relay = await vm.furnish();
      await vm.play(t);
    },
  });
}

/** See the head of this file. */
class CloudGuest {
  readonly #cloud: GuestCloud;
  readonly #guest: Guest;
  readonly #service: Service;
  #prefixes = 0;

  constructor(cloud: GuestCloud, guest: Guest) {
    this.#cloud = cloud;
    this.#guest = guest;
    const variables = { CLOUDROUTESYNC_CLOUD: cloud.name, CLOUDROUTESYNC_EVENT: "true", ...cloud.variables };
    const links = [
      "link set lo up",
      `address add ${metadataAddress.split(":")[0]}/32 dev lo`,
      ...cloud.links,
    ];
    this.#service = new Service(guest, { links, variables });
  }

  /** Makes links, puts the unit in place and the servers within reach. */
  async furnish(): Promise<AsyncDisposable> {
    await this.#service.install();
    await this.#guest.must(["mkdir", "/state"]);
    return await relayInto(this.#guest.network, this.#cloud.servers);
  }

  async play(t: Deno.TestContext): Promise<void> {
    const { credentials } = this.#cloud;
    for (const credential of credentials) {
      await this.#writeFiles(credential);
      await t.step(`the unit as shipped, by ${credential.name}`, () => this.#byUnit(credential));
    }
    const [first] = credentials;
    assert.ok(first !== undefined);
    for (const [user, settings] of Object.entries(users)) {
      await t.step(`the unit with ${user}, by ${first.name}`, async () => {
        await this.#service.override(settings);
        await this.#byUnit(first);
      });
    }
    await t.step(`env -i, by ${first.name}`, () => this.#byShell(first, []));
    for (const credential of credentials) {
      await t.step(
        `env -i on a read-only root, by ${credential.name}`,
        () => this.#byShell(credential, ["unshare", "--mount", "sh", "-euc", readOnlyRoot, "sh"]),
      );
    }
  }

  /** The unit starts, a route comes into the kernel, and it must come into the table. */
  async #byUnit(credential: Credential): Promise<void> {
    const prefix = this.#nextPrefix();
    await this.#service.setVariables(credential.variables);
    try {
      await this.#service.start();
      await this.#announce(prefix);
      await this.#untilInTable(prefix);
      credential.wasUsed();
      assert.equal((await this.#service.systemctl("stop")).code, 0);
      assert.equal(await this.#service.show("Result"), "success");
      assert.equal(await this.#service.show("NRestarts"), "0");
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${why}\nThe journal:\n${await this.#service.journal()}`, { cause });
    } finally {
      await this.#service.systemctl("stop");
      await this.#withdraw(prefix);
    }
  }

  /** `apply` in an environment that has nothing but what the credential needs: no HOME, no PATH. */
  async #byShell(credential: Credential, before: readonly string[]): Promise<void> {
    const prefix = this.#nextPrefix();
    await this.#announce(prefix);
    try {
      const all = {
        CLOUDROUTESYNC_CLOUD: this.#cloud.name,
        ...this.#cloud.variables,
        ...credential.variables,
      };
      const variables = Object.entries(all).map(([name, value]) => `${name}=${value}`);
      const command = ["/usr/local/bin/cloudroutesync", "apply", "-state", "/state"];
      const end = await this.#guest.run([...before, "env", "-i", ...variables, ...command]);
      assert.equal(end.code, 0, said(end));
      assert.ok((await this.#cloud.prefixes()).includes(prefix), said(end));
      credential.wasUsed();
    } finally {
      await this.#withdraw(prefix);
    }
  }

  async #writeFiles({ files = {} }: Credential): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await this.#guest.must(["mkdir", "--parents", path.slice(0, path.lastIndexOf("/"))]);
      await Deno.writeTextFile(this.#guest.path(path), text);
    }
  }

  #nextPrefix(): string {
    return `100.64.${this.#prefixes++}.0/24`;
  }

  async #announce(prefix: string): Promise<void> {
    await this.#guest.ip(`route add ${prefix} ${this.#cloud.via} proto bgp`);
  }

  async #withdraw(prefix: string): Promise<void> {
    await this.#guest.ip(`route del ${prefix} proto bgp`);
  }

  async #untilInTable(prefix: string): Promise<void> {
    await until(
      `${prefix} is in the table`,
      async () => (await this.#cloud.prefixes()).includes(prefix),
      patienceMs,
      lookEveryMs,
    );
  }
}

function said({ code, stdout, stderr }: CommandResult): string {
  return `it ended with ${code} and said:\n${stdout}${stderr}`;
}
