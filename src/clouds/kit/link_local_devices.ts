/** The devices of this machine that have a link-local IPv6 address. */

/** Their names, in the order in which the kernel made them: a VM's own interfaces come before those of its containers. */
export function linkLocalDevices(): readonly string[] {
  const addresses = Deno.networkInterfaces().filter(({ address }) => /^fe[89ab][0-9a-f]:/i.test(address));
  const sorted = addresses.toSorted((left, right) => (left.scopeid ?? 0) - (right.scopeid ?? 0));
  return [...new Set(sorted.map(({ name }) => name))];
}
