/**
 * SIGKILL at random moments, over and over, while the kernel's routes change 50 times a second and the cloud is slow and faulty: in
 * the end the table is exactly the kernel's, and the operator's routes are byte for byte as they were.
 *
 * `SIGKILL_ROUNDS` sets the number of rounds (40 unless told).
 */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Router, routerTest } from "./router.ts";

const rounds = Number(Deno.env.get("SIGKILL_ROUNDS") ?? 40);
/** The longest that a round lets the program run, in milliseconds; the shortest is nothing. */
const longestLifeMs = 1500;
const changeEveryMs = 20;
const prefixes = Array.from({ length: 60 }, (_, index) => `100.64.${index}.0/24`);
const gateways = ["10.0.0.5", "10.0.0.6", "10.0.0.7", "192.168.7.9"];
const foreignLines = [
  '    {"prefix":"203.0.113.0/24","nextHop":"10.0.0.99","owner":"operator","note":"do not touch"}',
  '    {"prefix":"100.64.0.0/25","nextHop":"10.0.0.98","owner":"operator"}',
];

routerTest(`${rounds} rounds of SIGKILL end with the kernel's routes in the table`, async (router) => {
  await Deno.writeTextFile(
    router.file,
    `{\n  "version": 1,\n  "quota": 500,\n  "routes": [\n${foreignLines.join(",\n")}\n  ]\n}\n`,
  );
  const flags = ["-local-latency", "20ms", "-local-faults", "0.05", "-max-withdraw", "100"];
  const enough = new AbortController();
  const changing = changeRoutes(router, enough.signal);
  for (let round = 0; round < rounds; round++) {
    const run = router.start(...flags);
    await sleep(Math.random() * longestLifeMs);
    await run.kill();
    // A torn file would not parse.
    assert.ok((await router.readFile()).version >= 1, `round ${round}`);
  }
  enough.abort();
  const changes = await changing;
  assert.ok(changes > rounds * 10, `only ${changes} changes were made`);
  router.start(...flags);
  await router.untilTable({ ...await kernelTable(router), ...foreignTable() });
  assert.deepEqual(foreignIn(await Deno.readTextFile(router.file)), foreignLines);
});

/** Adds, moves and removes random routes until told to stop. @returns how many changes it made. */
async function changeRoutes(router: Router, stop: AbortSignal): Promise<number> {
  const ip = router.namespace.spawn(["ip", "-force", "-batch", "-"], {
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  });
  const writer = ip.stdin.getWriter();
  const encoder = new TextEncoder();
  let count = 0;
  for (; !stop.aborted; count++) {
    await writer.write(encoder.encode(`${randomChange()}\n`));
    await sleep(changeEveryMs);
  }
  await writer.close();
  await ip.status;
  return count;
}

function randomChange(): string {
  const prefix = pick(prefixes);
  // Removing what is not there fails, which -force lets pass.
  if (Math.random() < 0.3) return `route del ${prefix} proto bgp`;
  return `route replace ${prefix} via ${pick(gateways)} proto bgp`;
}

function pick<T>(choices: readonly T[]): T {
  const choice = choices[Math.floor(Math.random() * choices.length)];
  if (choice === undefined) throw new Error("Cannot pick from nothing");
  return choice;
}

/** What the table should have for the kernel's routes, by iproute2's word. */
async function kernelTable(router: Router): Promise<Record<string, string>> {
  const text = await router.namespace.must(["ip", "-j", "route", "show", "proto", "bgp"]);
  // iproute2's own documents: dst and gateway are always there for these routes.
  const routes = JSON.parse(text) as { dst: string; gateway: string }[];
  return Object.fromEntries(routes.map(({ dst, gateway }) => [dst, nextHopOf(gateway)]));
}

/** Another VM of the subnet is pointed at itself; what only this VM reaches is pointed at this VM. */
function nextHopOf(gateway: string): string {
  return gateway.startsWith("10.0.0.") ? gateway : "10.0.0.2";
}

function foreignTable(): Record<string, string> {
  return Object.fromEntries(foreignLines.map((line) => {
    const { prefix, nextHop } = JSON.parse(line) as { prefix: string; nextHop: string };
    return [prefix, nextHop];
  }));
}

/** The operator's lines of the file, without the comma that a line may need. */
function foreignIn(text: string): string[] {
  return text.split("\n").filter((line) => line.includes('"operator"')).map((line) => line.replace(/,$/, ""));
}
