/** `deno task page:pictures`: draws the page of a run on the embedded cloud as `page-light.png`, `page-dark.png` and `page-phone.png`. */

import { TestBrowser } from "../system/browser.ts";
import { Router } from "../system/local/router.ts";
import { until } from "../system/until.ts";
import type { Page } from "playwright-core";

const address = "http://127.0.0.1:9100/";
const folder = new URL("picture/", import.meta.url).pathname;

/** What the cloud of the pictures holds besides ours. */
const foreign = [
  { prefix: "0.0.0.0/0", nextHop: "igw-0a41", owner: "network" },
  { prefix: "10.9.0.0/16", nextHop: "10.0.0.9", owner: "operator" },
];

/** Prefixes of branches, data centres and pods, as a daemon learns them. */
function learned(): string[] {
  const branches = Array.from({ length: 1_180 }, (_, index) => `10.${64 + (index >> 7)}.${index & 127}.0/24`);
  const sites = Array.from({ length: 24 }, (_, index) => `172.20.${index * 8}.0/21`);
  return [...branches, ...sites];
}

/** A router with a past: in step, with changes of all causes, and with routes that are not wanted. */
async function begin(router: Router): Promise<void> {
  const prefixes = learned();
  await router.writeFile(foreign, 1_300);
  await router.ip(
    "route add 10.200.0.0/16 via 10.0.0.1",
    "route add 192.168.50.0/24 dev tun0",
    "route add blackhole 10.99.0.0/16 proto bgp",
    "route add 10.64.3.0/24 via 10.0.0.8 proto bgp metric 200",
  );
  await router.announce(prefixes);
  router.start("-listen", "127.0.0.1:9100", "-local-latency", "30ms", "-owner", "edge-1");
  await until("all routes are there", async () => (await router.readFile()).routes.length > 1_190);
  for (let round = 0; round < 14; round++) {
    const some = prefixes.slice(round * 9, round * 9 + 1 + round % 3);
    await (round % 4 === 3 ? router.withdraw(some) : router.announce(some, `10.0.0.${8 + round % 2}`));
    await new Promise((done) => setTimeout(done, 420));
  }
}

async function draw(page: Page, name: string): Promise<void> {
  await page.waitForSelector("tbody tr[data-index]");
  await page.waitForTimeout(1_500);
  await page.screenshot({ path: `${folder}${name}.png` });
}

if (import.meta.main) {
  await using router = await Router.create(Deno.args[0]);
  await begin(router);
  await using browser = await TestBrowser.start(router.namespace, router.folder);
  const dark = await browser.open(address, { viewport: { width: 1200, height: 740 }, colorScheme: "dark" });
  await dark.locator("tbody tr[data-index]").nth(7).click();
  await draw(dark, "page-dark");
  await router.withdraw(learned().slice(110, 700));
  const light = await browser.open(address, { viewport: { width: 1200, height: 740 }, colorScheme: "light" });
  await light.waitForSelector(".countdown");
  await draw(light, "page-light");
  const phone = await browser.open(address, {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 1.5,
    colorScheme: "light",
  });
  await draw(phone, "page-phone");
  if (browser.complaints.length > 0) throw new Error(browser.complaints.join("\n"));
}
