/** The unit as shipped, installed in a guest, and the embedded cloud that it keeps in step. */

import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import type { CloudFile } from "../local/router.ts";
import type { CommandResult } from "../namespace.ts";
import { until, untilSame } from "../until.ts";
import { Guest, guestMissing } from "./guest.ts";

const name = "cloudroutesync.service";
const unit = new URL(`../../../terraform/cloud-init/${name}`, import.meta.url).pathname;
const ignore = skips(guestMissing(), await binaryMissing());

/** Where the service keeps its state, as systemd lays it out for a dynamic user. */
export const stateFolder = "/var/lib/private/cloudroutesync";
/** The route table of the embedded cloud. */
export const tableFile = `${stateFolder}/cloudroutesync.local.json`;

/** What a guest looks like, and what its service is told. */
export interface Machine {
  /** `ip ARGUMENTS` that make its links. */
  readonly links: readonly string[];
  /** Variables of the service. */
  readonly variables: Readonly<Record<string, string>>;
}

const localMachine: Machine = {
  links: [
    "link set lo up",
    "link add eth0 type veth peer name fabric",
    "address add 10.0.0.2/24 dev eth0",
    "link set eth0 up",
    "link set fabric up",
  ],
  variables: { CLOUDROUTESYNC_CLOUD: "local", CLOUDROUTESYNC_EVENT: "true" },
};

/** A test with a service of its own, not started yet; when it fails its error tells the journal. */
export function serviceTest(name: string, run: (service: Service) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    async fn(): Promise<void> {
      await using guest = await Guest.boot(await binaryPath());
      const service = new Service(guest);
      await service.install();
      await run(service).catch(async (cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`${why}\nThe journal:\n${await service.journal()}`, { cause });
      });
    },
  });
}

/** See the head of this file. Unless told otherwise its machine has eth0 with 10.0.0.2/24, and its cloud is the embedded one. */
export class Service {
  readonly guest: Guest;
  readonly #machine: Machine;

  constructor(guest: Guest, machine: Machine = localMachine) {
    this.guest = guest;
    this.#machine = machine;
  }

  /** Puts the unit in place. */
  async install(): Promise<void> {
    await Deno.copyFile(unit, this.guest.path(`/etc/systemd/system/${name}`));
    await this.configure({});
    await this.guest.ip(...this.#machine.links);
    await this.guest.must(["systemctl", "daemon-reload"]);
  }

  /** Writes the unit's variables file: flags, besides the machine's own variables. */
  async configure(flags: Readonly<Record<string, string>>): Promise<void> {
    const named = Object.entries(flags).map(([flag, value]) => [`CLOUDROUTESYNC_${flag}`, value]);
    await this.setVariables(Object.fromEntries(named));
  }

  /** Writes the unit's variables file: variables besides the machine's own. */
  async setVariables(variables: Readonly<Record<string, string>>): Promise<void> {
    const all = { ...this.#machine.variables, ...variables };
    const lines = Object.entries(all).map(([variable, value]) => `${variable}="${value}"\n`);
    await Deno.writeTextFile(this.guest.path("/etc/default/cloudroutesync"), lines.join(""));
  }

  /** Overrides settings of the unit's `[Service]`, in place of those overridden before; none: it is as shipped again. */
  async override(settings: string): Promise<void> {
    const folder = this.guest.path(`/etc/systemd/system/${name}.d`);
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${folder}/test.conf`, `[Service]\n${settings}\n`);
    await this.guest.must(["systemctl", "daemon-reload"]);
  }

  /** `systemctl VERB` on the unit, to its end. */
  systemctl(...verb: readonly string[]): Promise<CommandResult> {
    return this.guest.run(["systemctl", ...verb, name]);
  }

  /** Enables and starts it as the user-data does; the start must succeed. */
  async start(): Promise<void> {
    await this.guest.must(["systemctl", "enable", "--now", name]);
  }

  /** Sends the program a signal. */
  async signal(signal: Deno.Signal): Promise<void> {
    await this.guest.must(["systemctl", "kill", `--signal=${signal}`, "--kill-whom=main", name]);
  }

  /** What systemd says of a property, as in `show("ActiveState")`. */
  async show(property: string): Promise<string> {
    return (await this.guest.must(["systemctl", "show", "--value", `--property=${property}`, name])).trim();
  }

  /** Waits until a property is as expected. */
  async untilShows(property: string, expected: RegExp): Promise<void> {
    let last = "";
    await until(() => `${property} should be ${expected} and is ${last}`, async () => {
      last = await this.show(property);
      return expected.test(last);
    });
  }

  /** The program's process number inside the guest. */
  async pid(): Promise<string> {
    return await this.show("MainPID");
  }

  /** A file of the program's folder in `/proc`. */
  async proc(file: string): Promise<string> {
    return await this.guest.must(["cat", `/proc/${await this.pid()}/${file}`]);
  }

  /** Waits until the embedded cloud has exactly these prefixes. */
  async untilTable(...prefixes: readonly string[]): Promise<void> {
    await untilSame(prefixes, () => this.table());
  }

  /** The prefixes in the embedded cloud. */
  async table(): Promise<string[]> {
    try {
      // The program validates what it writes.
      const file = JSON.parse(await Deno.readTextFile(this.guest.path(tableFile))) as CloudFile;
      return file.routes.map(({ prefix }) => prefix);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** The end of what systemd and the program logged. */
  async journal(): Promise<string> {
    return await this.guest.must(["journalctl", "--no-pager", "--output=short-monotonic", "--lines=40"]);
  }
}
