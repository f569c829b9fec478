/** `doctor`: checks what VM and account need, and says how to fix each. */

import { readKernelFile } from "../../../ffi/kernel_file.ts";
import type { Cloud, CloudIdentity, Finding } from "../../clouds/cloud.ts";
import { checkCloud } from "../../clouds/kit/doctor.ts";
import type { KernelTable } from "../../kernel/kernel_table.ts";
import type { Prefix } from "../../routes/prefix.ts";
import { ColumnJudge } from "../../routes/column_judge.ts";
import { absentDevices, findDevices } from "../../routes/devices.ts";
import { type CommandContext, familiesOf, kernelIdentity } from "../context.ts";
import { CloudSession } from "../cloud_session.ts";
import { documentText } from "../document.ts";
import { kernelForwarding, routingDevices } from "../kernel_forwarding.ts";
import { listenForStop } from "../signals.ts";
import { checkStateFolder } from "../state_folder_check.ts";

/** Runs the command. @returns 0: all well, 1: not. */
export async function doctor(context: CommandContext): Promise<number> {
  using signals = listenForStop();
  await using session = await CloudSession.open(context, { everything: false, follow: false });
  const { settings, print } = context;
  if (settings.printPolicy) {
    print(await policyOf(session.cloud, signals.stop));
    return 0;
  }
  const findings = await findingsOf(context, session, signals.stop);
  print(
    settings.output === "json" ? documentText({ findings }) : findings.map(findingText).join(""),
  );
  return findings.some(isNotWell) ? 1 : 0;
}

/** All that is checked. @throws the signal's reason: a check that was cut short tells of a fault where there is none. */
export async function findingsOf(
  context: CommandContext,
  session: CloudSession,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { settings, libc } = context;
  const kernel = session.table;
  const findings = [
    ...kernelForwarding(
      (path) => readKernelFile(libc, path),
      familiesOf(settings),
      routingDevices(kernel, settings.policy, kernelIdentity(context, kernel)),
    ),
    await checkStateFolder(session.keeper.folder, session.cloud),
    ...absentDevices(kernel.links(), settings.policy.interfaces).map(absentDevice),
    ...await checkCloud(
      session.cloud,
      {
        fix: settings.fix,
        ownPrefixes: (identity) => ownPrefixes(context, kernel, identity),
        peers: settings.sync.group.peers.map(({ address }) => address),
      },
      signal,
      (identity) => [cloudInterface(kernel, identity)],
    ),
  ];
  signal.throwIfAborted();
  return findings;
}

/** How long the policy waits for who this VM is, in milliseconds: it may be asked for anywhere. */
const identifyWithinMs = 5_000;

/** The cloud's policy, for the very account, region and network where the VM's metadata tells them. */
async function policyOf(cloud: Cloud, stop: AbortSignal): Promise<string> {
  try {
    await cloud.identify(AbortSignal.any([stop, AbortSignal.timeout(identifyWithinMs)]));
  } catch {
    // Off the cloud's VMs it has wildcards.
    stop.throwIfAborted();
  }
  return cloud.policy();
}

/** The prefixes of wanted routes that go by way of this VM, as far as the kernel tells. */
function ownPrefixes(
  context: CommandContext,
  kernel: KernelTable,
  identity: CloudIdentity,
): readonly Prefix[] {
  const rows = kernel.rows();
  const judge = new ColumnJudge(context.settings.policy, identity, kernel, rows);
  return Array.from(rows.runs()).flatMap((run) =>
    Array.from(judge.wanted(run)).flatMap(({ prefix, nextHops }) =>
      nextHops.some(({ neighbour }) => neighbour === null) ? [prefix] : []
    )
  );
}

/** Without an identity nothing else could be looked at. */
function isNotWell({ name, status }: Finding): boolean {
  return status === "bad" || (name === "identity" && status !== "ok");
}

/** Whether the kernel has a device on the cloud network: without one no gateway is taken for another machine. */
function cloudInterface(kernel: KernelTable, { attachments }: CloudIdentity): Finding {
  const name = "cloud interface";
  const { attached } = findDevices(kernel, new Set(), attachments);
  const devices = kernel.links().filter(({ index }) => attached.has(index)).map((link) => link.name);
  if (devices.length > 0) {
    return { name, status: "ok", detail: `This VM is on the cloud network by ${devices.join(", ")}` };
  }
  const addresses = attachments.flatMap((each) => each.addresses.map(({ text }) => text)).join(", ");
  return {
    name,
    status: "bad",
    detail: `No device has ${addresses}, so that this VM is the next hop of every route`,
    remedy: "run it where `ip address` shows that address, or give the device its address",
  };
}

function absentDevice(device: string): Finding {
  return {
    name: `device ${device}`,
    status: "bad",
    detail: `-interface names ${device}, and no device has that name: no route out of it counts`,
    remedy: "name the device as `ip link` does, or start what creates it",
  };
}

/** A finding as people read it. */
export function findingText(finding: Finding): string {
  const remedy = finding.remedy === undefined ? "" : `\n          ${finding.remedy}`;
  return `${`[${finding.status}]`.padEnd(10)}${finding.name}: ${finding.detail}${remedy}\n`;
}
