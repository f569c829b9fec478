/**
 * A state folder that cannot be used, on each cloud and for each command: one sentence with the folder's name and the cause, no
 * trace, and a run that waits for what may heal.
 */

import assert from "node:assert/strict";
import { motoMissing } from "../../fakes/aws/moto.ts";
import { AwsRig } from "../../fakes/aws/rig.ts";
import { AzureRig } from "../../fakes/azure/rig.ts";
import { opensslMissing } from "../../fakes/certificates.ts";
import { GcpRig } from "../../fakes/gcp/rig.ts";
import { openstackMissing, startOpenstack } from "../../fakes/openstack/rig.ts";
import { programMissing, skips } from "../../needs.ts";
import { AwsVm } from "../aws/aws_vm.ts";
import { AzureVm } from "../azure/azure_vm.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { GcpVm } from "../gcp/gcp_vm.ts";
import { namespacesMissing } from "../namespace.ts";
import { OpenstackVm } from "../openstack/openstack_vm.ts";
import type { RouterVm } from "../router_vm.ts";

const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const prefix = "198.51.100.0/24";

/** A cloud to try on. */
interface Case {
  readonly missing: string | null;
  /** Whether the state proves whose routes they are, so that nothing can be written without it. */
  readonly keepsLedger: boolean;
  readonly open: (binary: string) => Promise<{ readonly vm: RouterVm; readonly rig: AsyncDisposable }>;
}

const cases: Readonly<Record<string, Case>> = {
  aws: {
    missing: motoMissing(),
    keepsLedger: true,
    open: async (binary) => {
      const rig = await AwsRig.start();
      return { rig, vm: await AwsVm.create(rig, binary) };
    },
  },
  azure: {
    missing: opensslMissing(),
    keepsLedger: false,
    open: async (binary) => {
      const rig = await AzureRig.start();
      // Who is nobody reads the certificate authority too.
      await Deno.chmod(rig.folder, 0o755);
      return { rig, vm: await AzureVm.create(rig, binary) };
    },
  },
  gcp: {
    missing: null,
    keepsLedger: false,
    open: async (binary) => {
      const rig = GcpRig.start();
      return { rig, vm: await GcpVm.create(rig, binary) };
    },
  },
  openstack: {
    missing: openstackMissing(),
    keepsLedger: true,
    open: async (binary) => {
      const rig = await startOpenstack();
      return { rig, vm: await OpenstackVm.create(rig, binary) };
    },
  },
};

const rootMissing = Deno.uid() === 0 ? null : "only root can start a program as another user";
const common = [
  rootMissing,
  programMissing("setpriv", "util-linux"),
  namespacesMissing(),
  await binaryMissing(),
];

for (const [cloud, { missing, keepsLedger, open }] of Object.entries(cases)) {
  Deno.test({
    name: `a state folder that cannot be used is told in one sentence on ${cloud}`,
    ignore: skips(missing, ...common),
    fn: async (t) => {
      // The folder of the tests' executable may be closed to others.
      const place = await Deno.makeTempDir({ prefix: "cloudroutesync-nobody-" });
      await Deno.chmod(place, 0o755);
      await Deno.copyFile(await binaryPath(), `${place}/cloudroutesync`);
      const { vm: opened, rig } = await open(`${place}/cloudroutesync`);
      await using _rig = rig;
      await using vm = opened.with({ HOME: "/nonexistent" });
      const step = (name: string, test: () => Promise<void>): Promise<boolean> =>
        t.step(name, () => vm.telling(test));
      await Deno.chmod(vm.folder, 0o755);
      await vm.announce([prefix]);
      if (keepsLedger) await onLedger(vm, step);
      else await onMarks(vm, step);
      await Deno.remove(place, { recursive: true });
    },
  });
}

type Step = (name: string, test: () => Promise<void>) => Promise<boolean>;

/** Where the ledger proves whose routes they are nothing is written without it. */
async function onLedger(vm: RouterVm, step: Step): Promise<void> {
  await step("no permission", async () => {
    const folder = `${vm.folder}/closed`;
    await Deno.mkdir(folder, { mode: 0o700 });
    vm.through = nobody;
    const use = new RegExp(
      `^cloudroutesync: Cannot use the state folder ${folder} .*: permission denied`,
      "m",
    );
    const read = new RegExp(`^cloudroutesync: Cannot read the ledger ${folder}/.*: permission denied`, "m");
    await ends(vm, "run", folder, 2, use);
    await ends(vm, "apply", folder, 1, use);
    await ends(vm, "cleanup", folder, 1, use);
    await ends(vm, "plan", folder, 1, read);
    await ends(vm, `explain ${prefix}`, folder, 1, read);
    await doctorTells(
      vm,
      folder,
      /^\[bad\] +state folder: Cannot use the state folder .*: permission denied$/m,
    );
    vm.through = [];
  });
  await step("no folder but a file", async () => {
    const file = `${vm.folder}/file`;
    await Deno.writeTextFile(file, "");
    const sentence = new RegExp(
      `^cloudroutesync: Cannot use the state folder ${file} .*: it is not a folder`,
      "m",
    );
    await ends(vm, "run", file, 2, sentence);
    await ends(vm, "apply", file, 1, sentence);
    await ends(vm, "cleanup", file, 1, sentence);
    await doctorTells(vm, file, /^\[bad\] +state folder: .*: it is not a folder$/m);
  });
  await step("a read-only file system", async () => {
    const folder = await mounted(vm, "sealed", "ro");
    const sentence = new RegExp(`Cannot use the state folder ${folder} .*: the file system is read-only`);
    await ends(vm, "apply", folder, 1, sentence);
    await doctorTells(
      vm,
      folder,
      /^\[bad\] +state folder: .*: the file system is read-only$\n +mount it writable, or name another with /m,
    );
    await healsWhen(vm, folder, sentence, ["mount", "-o", "remount,rw", folder]);
  });
  await step("a full disk", async () => {
    const folder = await mounted(vm, "full", "size=4k");
    await vm.namespace.run(["dd", "if=/dev/zero", `of=${folder}/ballast`, "bs=1k"]);
    await doctorTells(
      vm,
      folder,
      /^\[bad\] +state folder: .*: no space is left on the device$\n +free space there, or name another with /m,
    );
    await healsWhen(vm, folder, /no space/i, ["mount", "-o", "remount,size=1m", folder]);
  });
}

/** Where routes carry marks the state is a convenience, and its loss is told. */
async function onMarks(vm: RouterVm, step: Step): Promise<void> {
  await step("no permission", async () => {
    const folder = `${vm.folder}/closed`;
    await Deno.mkdir(folder, { mode: 0o700 });
    vm.through = nobody;
    const warning = new RegExp(
      `Cannot use the state folder ${folder} .*: permission denied; .*; continuing without a lock against a second instance`,
    );
    await ends(vm, "apply", folder, 0, warning);
    await ends(vm, "plan", folder, 0, /^/);
    await ends(vm, `explain ${prefix}`, folder, 0, /^/);
    const run = vm.start("-state", folder);
    await run.untilLog(warning);
    await run.untilLog(/Keeping .* in step/);
    assert.equal((await vm.stop()).code, 0);
    await doctorTells(
      vm,
      folder,
      /^\[unknown\] ?state folder: .*: permission denied; without it nothing keeps out a second/m,
    );
    await ends(vm, "cleanup", folder, 0, warning);
    vm.through = [];
  });
}

/** The command ends so and says so, without a trace. */
async function ends(vm: RouterVm, command: string, state: string, code: number, says: RegExp): Promise<void> {
  const end = await vm.command(command, "-state", state);
  assert.equal(end.code, code, `${command}: ${end.stderr}`);
  assert.match(end.stderr, says, command);
  assert.doesNotMatch(end.stderr, /^ +at /m, command);
}

async function doctorTells(vm: RouterVm, state: string, says: RegExp): Promise<void> {
  const { stdout, stderr } = await vm.command("doctor", "-state", state);
  assert.match(stdout, says, stderr);
  assert.doesNotMatch(stderr, /^ +at /m);
}

/** A run says what is wrong, waits, and does its work once it is put right. */
async function healsWhen(
  vm: RouterVm,
  state: string,
  says: RegExp,
  remedy: readonly string[],
): Promise<void> {
  const run = vm.start("-state", state);
  await run.untilLog(says);
  await vm.namespace.must(remedy);
  await run.untilLog(/(add|replace) 198\.51\.100\.0\/24/);
  assert.doesNotMatch(run.log, /^ +at /m);
  assert.equal((await vm.stop()).code, 0);
  assert.equal((await vm.command("cleanup", "-state", state)).code, 0);
}

/** A file system of the test's own, in the VM's mounts alone. */
async function mounted(vm: RouterVm, name: string, options: string): Promise<string> {
  const folder = `${vm.folder}/${name}`;
  await vm.namespace.must(["mkdir", folder]);
  await vm.namespace.must(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]);
  return folder;
}
