/** `doctor`: checks what VM and account need, and says how to mend each. */

import { readKernelFile } from "../../../ffi/kernel_file.ts";
import type { Libc } from "../../../ffi/libc.ts";
import type { Finding } from "../../clouds/cloud.ts";
import { type CommandContext, familiesOf } from "../context.ts";
import { CloudSession } from "../cloud_session.ts";
import { listenForStop } from "../signals.ts";

/** Runs the command. @returns 0: all well, 1: not. */
export async function doctor(context: CommandContext): Promise<number> {
  using signals = listenForStop();
  await using session = await CloudSession.open(context, { everything: false, follow: false });
  const { settings, print } = context;
  if (settings.printPolicy) {
    print(session.cloud.policy());
    return 0;
  }
  const findings = [
    ...forwarding(context, context.libc),
    ...await identity(session, signals.stop),
    ...await session.cloud.check({ fix: settings.fix }, signals.stop),
  ];
  // A check that was cut short tells of a fault where there is none.
  signals.stop.throwIfAborted();
  print(
    settings.output === "json" ? `${JSON.stringify({ findings })}\n` : findings.map(findingText).join(""),
  );
  return findings.some((finding) => finding.status === "bad") ? 1 : 0;
}

/** A router forwards only if the kernel is told to (Documentation/networking/ip-sysctl.rst). */
function forwarding(context: CommandContext, libc: Libc): readonly Finding[] {
  return familiesOf(context.settings).map((family): Finding => {
    const key = family === 4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
    const value = readKernelFile(libc, `/proc/sys/${key.replaceAll(".", "/")}`);
    const name = `IPv${family} forwarding`;
    if (value === null) return { name, status: "unknown", detail: `${key} cannot be read` };
    if (value !== "0") return { name, status: "ok", detail: `${key} is ${value}` };
    return {
      name,
      status: "bad",
      detail: `${key} is 0: this VM forwards nothing`,
      remedy: `sysctl -w ${key}=1, and keep it in /etc/sysctl.d`,
    };
  });
}

async function identity(session: CloudSession, signal: AbortSignal): Promise<readonly Finding[]> {
  const name = "identity";
  try {
    const found = await session.cloud.identify(signal);
    const addresses = found.addresses.map((address) => address.text).join(", ");
    return [{ name, status: "ok", detail: `this VM is ${found.instance}, with ${addresses}` }];
  } catch (error) {
    signal.throwIfAborted();
    const detail = error instanceof Error ? error.message : String(error);
    return [{
      name,
      status: "bad",
      detail,
      remedy: "run it on the VM, and see that its metadata service answers",
    }];
  }
}

function findingText(finding: Finding): string {
  const remedy = finding.remedy === undefined ? "" : `\n         ${finding.remedy}`;
  return `${`[${finding.status}]`.padEnd(9)}${finding.name}: ${finding.detail}${remedy}\n`;
}
