/** The daemons' configurations of README's "High availability", as the scenes use them: for two routers of any cloud. */

import type { Side } from "./ha_clouds.ts";

/** The daemons that README sets up for two routers. */
export type HaDaemonName = "frr" | "bird" | "keepalived";

const files: Readonly<Record<HaDaemonName, string>> = {
  frr: "/etc/frr/frr.conf",
  bird: "/etc/bird/bird.conf",
  keepalived: "/etc/keepalived/keepalived.conf",
};

/** The two addresses in README. */
const inReadme = { a: "10.0.1.10", b: "10.0.1.20" } as const;
/** A line such as `# On 10.0.1.20: the two addresses change places, priority 100` tells how the second router's file differs. */
const difference = /^[!#] On 10\.0\.1\.20: the two addresses change places, (.*)$/m;

/**
 * README's configuration of a daemon.
 *
 * @param side router a is README's 10.0.1.10. For b the file is changed as its head says.
 * @throws {Error} if README has no such file, or its head does not say how the second router's differs.
 */
export async function readmeConfig(
  daemon: HaDaemonName,
  side: Side,
  addresses: Readonly<Record<Side, string>>,
): Promise<string> {
  const readme = await Deno.readTextFile(new URL("../../../README.md", import.meta.url));
  const [, text] = new RegExp(`^\`\`\`\\n([!#] ${files[daemon]} on [^]*?)^\`\`\`$`, "m").exec(readme) ?? [];
  const [, changes] = difference.exec(text ?? "") ?? [];
  if (text === undefined || changes === undefined) {
    throw new Error(`Cannot find ${files[daemon]} of both routers in README`);
  }
  const ofSide = side === "a" ? text : changes.split(", ").reduce(changed, text);
  const [self, other] = side === "a" ? [addresses.a, addresses.b] : [addresses.b, addresses.a];
  return ofSide.replaceAll(inReadme.a, "SELF").replaceAll(inReadme.b, other).replaceAll("SELF", self);
}

/** Sets a number as the head of a file says: `priority 100`, `bgp_med 20`. @throws {Error} if the file has no such line. */
function changed(text: string, setting: string): string {
  const [name, value] = setting.split(" ");
  const body = new RegExp(`^(\\s.*\\b${name}(?: =)? )\\d+`, "m");
  if (value === undefined || !body.test(text)) {
    throw new Error(`Cannot set "${setting}": the file has no such line`);
  }
  return text.replace(body, `$1${value}`);
}
