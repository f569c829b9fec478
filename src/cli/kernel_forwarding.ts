/** Whether the kernel forwards what comes in by the cloud's network. */

import type { Finding } from "../clouds/cloud.ts";
import { findDevices, type KernelDevices } from "../routes/devices.ts";
import type { Policy, PolicyIdentity } from "../routes/policy.ts";
import type { Family } from "../routes/prefix.ts";

/** Reads a file below /proc/sys; null where it is not there or may not be read. */
export type ReadKernelFile = (path: string) => string | null;

/** Names of the devices by which packets come to be routed: those on the cloud's network, and those of `-interface`. */
export function routingDevices(
  kernel: KernelDevices,
  policy: Pick<Policy, "interfaces">,
  { attachments }: Pick<PolicyIdentity, "attachments">,
): readonly string[] {
  const { named, attached } = findDevices(kernel, policy.interfaces, attachments);
  return kernel.links().filter(({ index }) => named.has(index) || attached.has(index)).map(({ name }) =>
    name
  );
}

/** One finding a family. */
export function kernelForwarding(
  read: ReadKernelFile,
  families: readonly Family[],
  devices: readonly string[],
): readonly Finding[] {
  return families.map((family) => family === 4 ? forwarding4(read, devices) : forwarding6(read, devices));
}

/**
 * IPv4 asks the device that a packet comes in by (`IN_DEV_FORWARD` in `ip_route_input_slow`, net/ipv4/route.c); writing
 * `ip_forward` sets all devices.
 */
function forwarding4(read: ReadKernelFile, devices: readonly string[]): Finding {
  const all = { key: "net.ipv4.ip_forward", value: read("/proc/sys/net/ipv4/ip_forward") };
  const each = devices.map((device) => ({
    device,
    key: keyOf("ipv4", device, "forwarding"),
    value: read(`/proc/sys/net/ipv4/conf/${device}/forwarding`),
  }));
  const off = each.filter(({ value }) => value === "0");
  const isOn = each.length > 0 && each.every(({ value }) => value !== "0" && value !== null);
  const [first] = off;
  if (all.value !== "0" && all.value !== null && first !== undefined) {
    const { device, key } = first;
    return bad(4, `${key} is 0: what comes in by ${device} is not forwarded`, key);
  }
  return isOn && all.value === "0" ? ok(4, each.map(said).join(", ")) : judged(4, all);
}

/**
 * IPv6 asks for all devices at once, and from Linux 6.17 on for `force_forwarding` of the one that the packet comes in by
 * (`ip6_forward`, net/ipv6/ip6_output.c).
 */
function forwarding6(read: ReadKernelFile, devices: readonly string[]): Finding {
  const key = "net.ipv6.conf.all.forwarding";
  const forced = devices.map((device) => ({
    key: keyOf("ipv6", device, "force_forwarding"),
    value: read(`/proc/sys/net/ipv6/conf/${device}/force_forwarding`),
  }));
  const areForced = forced.length > 0 && forced.every(({ value }) => value === "1");
  const value = read("/proc/sys/net/ipv6/conf/all/forwarding");
  return areForced && value === "0" ? ok(6, forced.map(said).join(", ")) : judged(6, { key, value });
}

/** A sysctl that counts for all devices. */
interface Sysctl {
  readonly key: string;
  readonly value: string | null;
}

function judged(family: Family, { key, value }: Sysctl): Finding {
  if (value === null) {
    return { name: nameOf(family), status: "unknown", detail: `${key} cannot be read` };
  }
  return value === "0"
    ? bad(family, `${key} is 0: this VM forwards nothing`, key)
    : ok(family, said({ key, value }));
}

function ok(family: Family, detail: string): Finding {
  return { name: nameOf(family), status: "ok", detail };
}

function bad(family: Family, detail: string, key: string): Finding {
  const remedy = `sysctl -w ${key}=1, and keep it in /etc/sysctl.d`;
  return { name: nameOf(family), status: "bad", detail, remedy };
}

function nameOf(family: Family): string {
  return `IPv${family} forwarding`;
}

function said({ key, value }: Sysctl): string {
  return `${key} is ${value}`;
}

/** sysctl(8) takes slashes in place of dots where a device's name has dots. */
function keyOf(protocol: "ipv4" | "ipv6", device: string, variable: string): string {
  const separator = device.includes(".") ? "/" : ".";
  return ["net", protocol, "conf", device, variable].join(separator);
}
