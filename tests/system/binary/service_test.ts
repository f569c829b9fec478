/** The systemd unit: how exposed it leaves the service, and whether the executable lives within it. */

import assert from "node:assert/strict";
import { programMissing, skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { Namespace, namespacesMissing } from "../namespace.ts";

const unit = new URL("../../../terraform/cloud-init/cloudroutesync.service", import.meta.url).pathname;

/** Greatest exposure allowed, in tenths: systemd calls up to 2.0 "OK". */
const greatestExposure = 20;

async function run(
  command: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

const analyzeMissing = programMissing("systemd-analyze", "systemd");
const traceMissing = [programMissing("strace"), namespacesMissing(), await binaryMissing()];

/** The values of a setting, in order. */
async function settings(name: string): Promise<string[]> {
  const text = await Deno.readTextFile(unit);
  return [...text.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map((match) => match[1] ?? "");
}

/** The system calls of a group such as `@system-service`, groups inside it included. */
async function callsOf(group: string): Promise<Set<string>> {
  const { text } = await run("systemd-analyze", ["syscall-filter", "--no-pager", group]);
  const calls = new Set<string>();
  for (const word of text.split("\n").slice(1).map((line) => line.replace(/#.*/, "").trim())) {
    if (word.startsWith("@")) { for (const call of await callsOf(word)) calls.add(call); }
    else if (word !== "") calls.add(word);
  }
  return calls;
}

Deno.test({
  name: "the unit leaves an exposure of 2.0 at most",
  ignore: skips(analyzeMissing),
  async fn(): Promise<void> {
    const args = ["security", "--offline=true", `--threshold=${greatestExposure}`, "--no-pager", unit];
    const { code, text } = await run("systemd-analyze", args);
    assert.match(text, /Overall exposure level/);
    assert.equal(code, 0, text);
  },
});

Deno.test("the unit gives the service no capability, no fixed user, one folder and a watchdog", async () => {
  const expected = {
    Type: ["notify"],
    DynamicUser: ["yes"],
    CapabilityBoundingSet: [""],
    AmbientCapabilities: [""],
    ProtectSystem: ["strict"],
    StateDirectory: ["cloudroutesync"],
    EnvironmentFile: ["-/etc/default/cloudroutesync"],
    RestrictAddressFamilies: ["AF_NETLINK AF_UNIX AF_INET AF_INET6"],
  };
  for (const [name, values] of Object.entries(expected)) assert.deepEqual(await settings(name), values, name);
  assert.ok(Number((await settings("WatchdogSec"))[0]) > 0);
});

/** Runs the service's work in a namespace of its own, and returns the system calls that it made. */
async function tracedCalls(binary: string): Promise<Set<string>> {
  await using namespace = await Namespace.create();
  const folder = await Deno.makeTempDir();
  try {
    const trace = ["strace", "--follow-forks", "--summary-only", "--quiet=all", `--output=${folder}/calls`];
    const flags = ["-cloud", "local", "-event", `-local-file=${folder}/table.json`, "-self", "10.0.0.1/24"];
    const script = [
      "ip link add left type veth peer name right",
      "ip address add 10.0.0.1/24 dev left",
      "ip link set left up && ip link set right up",
      `timeout --signal=TERM 4 ${[...trace, binary, "run", ...flags, "-listen=127.0.0.1:9155"].join(" ")} &`,
      "sleep 2",
      "ip route add 192.0.2.0/24 via 10.0.0.9",
      "wait",
    ].join("\n");
    const [program = "", ...args] = namespace.commandLine(["sh", "-c", script]);
    await run(program, args);
    const table = await Deno.readTextFile(`${folder}/table.json`);
    assert.match(table, /192\.0\.2\.0\/24/, "the run did no work");
    const summary = await Deno.readTextFile(`${folder}/calls`);
    return new Set([...summary.matchAll(/^ *[\d.]+ .* (\w+)$/gm)].map((match) => match[1] ?? ""));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "the executable makes no system call that the unit forbids",
  ignore: skips(analyzeMissing, ...traceMissing),
  async fn(): Promise<void> {
    const allowed = new Set<string>();
    for (const words of await settings("SystemCallFilter")) {
      for (const group of words.replace(/^~/, "").split(" ")) {
        for (const call of await callsOf(group)) {
          words.startsWith("~") ? allowed.delete(call) : allowed.add(call);
        }
      }
    }
    assert.ok(allowed.has("recvfrom") && !allowed.has("mount"));
    const made = await tracedCalls(await binaryPath());
    made.delete("total");
    assert.ok(made.has("execve") && made.size > 20);
    // Strace's exec stands for systemd's own.
    assert.deepEqual([...made].filter((call) => !allowed.has(call)), []);
  },
});
