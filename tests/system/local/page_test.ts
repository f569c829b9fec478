/** The page at `/` of `-listen`, as the executable serves it, in a real browser. */

import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserMissing, TestBrowser } from "../browser.ts";
import { numbered } from "../router_vm.ts";
import { until } from "../until.ts";
import { type Router, routerTest, tableOf } from "./router.ts";

const listen = "127.0.0.1:9155";
const address = `http://${listen}/`;
const prefix = "198.51.100.0/24";
const token = "a-token-of-the-test-17";

/** A test with a router and a browser; the pages must complain of nothing and ask nobody else. */
function pageTest(name: string, run: (router: Router, browser: TestBrowser) => Promise<void>): void {
  routerTest(name, async (router) => {
    await using browser = await TestBrowser.start(router.namespace, router.folder);
    await run(router, browser);
    assert.deepEqual(browser.complaints, []);
    assert.deepEqual(browser.requests.filter((url) => !url.startsWith(address)), []);
  }, browserMissing());
}

/** Waits until an element's text is as expected. */
async function untilText(page: Page, selector: string, expected: RegExp): Promise<void> {
  let text = "";
  await until(() => `${selector} should say ${expected} and says ${text}`, async () => {
    text = (await page.locator(selector).allInnerTexts()).join("\n");
    return expected.test(text);
  });
}

/** Waits until the executable serves its page: it does so before it has seen the table. */
async function untilServed(router: Router): Promise<void> {
  await until("it should listen", async () => (await curl(router, "healthz")).endsWith("200"));
}

/** What `curl` gets, with the status on the first line. */
async function curl(router: Router, path: string, ...args: readonly string[]): Promise<string> {
  const format = ["-o", "-", "-w", "\n%{http_code}"];
  return (await router.namespace.run(["curl", "-s", ...format, ...args, `${address}${path}`])).stdout;
}

pageTest(
  "a route that the kernel gets appears on the page by itself, with its change",
  async (router, browser) => {
    await router.announce([prefix]);
    router.start("-listen", listen);
    await router.untilTable(tableOf([prefix]));
    const page = await browser.open(address);
    await untilText(page, "#verdict", /^In step$/);
    await untilText(page, "tbody", /198\.51\.100\.0\/24/);
    await router.announce(["203.0.113.0/24"]);
    await untilText(
      page,
      "tbody tr[data-state=in-step]",
      /203\.0\.113\.0\/24[^]*10\.0\.0\.7[^]*wanted[^]*in step/,
    );
    await untilText(
      page,
      "#changes li:first-child",
      /203\.0\.113\.0\/24[^]*ms[^]*none → 10\.0\.0\.7[^]*kernel/,
    );
    await router.withdraw(["203.0.113.0/24"]);
    await untilText(page, "#changes li:first-child", /^−[^]*10\.0\.0\.7 → none/);
    await until("the row should go", async () => !(await page.innerText("tbody")).includes("203.0.113.0/24"));
    await untilText(page, "#quotas", /1 of 500/);
    assert.match(await page.title(), /^In step · /);
  },
);

pageTest("held withdrawals count down and name their release, which ends them", async (router, browser) => {
  const routes = numbered(20);
  await router.announce(routes);
  router.start("-listen", listen);
  await router.untilTable(tableOf(routes));
  const page = await browser.open(address);
  assert.equal(await page.locator("#held").isVisible(), false);
  await router.ip("route flush proto bgp");
  await untilText(page, "#verdict", /^Degraded$/);
  await untilText(page, "#holds", /^1:\d\d\s+until 20 held withdrawals go/);
  await untilText(page, "#steps", /cloudroutesync release/);
  const first = await page.locator(".countdown").innerText();
  await untilText(page, ".countdown", new RegExp(`^(?!${first})[01]:\\d\\d$`));
  assert.ok(await page.locator(".countdown").innerText() < first);
  await page.locator("#groups input[value=attention]").check({ force: true });
  await untilText(page, "tbody tr[data-state=held]", /withdrawal held/);
  await router.command("release");
  await until("the hold should go", async () => !await page.locator("#held").isVisible());
  await untilText(page, "#empty", /No prefix/);
});

pageTest(
  "the other routers stand on the page, and one of which the cloud says that it is dead, with the reason",
  async (router, browser) => {
    const [peer, other] = ["10.0.0.3", "10.0.0.9"] as const;
    const file = (dead: readonly string[]): Promise<void> =>
      Deno.writeTextFile(
        router.file,
        JSON.stringify({
          version: 1,
          quota: 500,
          routes: [{ prefix, nextHop: peer, owner: "cloudroutesync" }],
          dead,
        }),
      );
    await file([]);
    router.start("-listen", listen, "-peer", peer, "-peer", other);
    await untilServed(router);
    const page = await browser.open(address);
    await untilText(page, "#peer-list", /^10\.0\.0\.3\s+unknown\s[^]*10\.0\.0\.9\s+unknown/);
    await file([peer]);
    await router.announce([prefix]);
    await untilText(
      page,
      "#peer-list li[data-state=dead]",
      /^10\.0\.0\.3\s+dead\s+for \d+ s\s+the cloud says: .* names it among the dead$/,
    );
    assert.equal(await page.locator("#peer-list li").count(), 2);
  },
);

pageTest("a router that is alone has no list of other routers", async (router, browser) => {
  router.start("-listen", listen);
  await untilServed(router);
  const page = await browser.open(address);
  await untilText(page, "#verdict", /^In step$/);
  assert.equal(await page.locator("#peers").isVisible(), false);
});

pageTest("keys alone lead to a prefix: skip link, search, rows, detail", async (router, browser) => {
  await router.announce(["10.128.0.0/9", "10.200.0.0/16", "10.200.7.0/24", prefix]);
  router.start("-listen", listen, "-exclude", "192.0.2.0/24");
  await router.untilTable(tableOf(["10.128.0.0/9", "10.200.0.0/16", "10.200.7.0/24", prefix]));
  const page = await browser.open(address);
  await untilText(page, "tbody", /198\.51\.100\.0/);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate("document.activeElement.className"), "skip");
  await page.keyboard.press("Enter");
  await page.keyboard.type("10.200.7.9");
  await untilText(page, "#found", /^4 prefixes, longest match first: 10\.200\.7\.0\/24$/);
  // The rows are drawn after the line that counts them.
  await until("the four rows", async () => await page.locator("tbody tr[data-index]").count() === 4);
  for (const _ of ["verdict", "reason", "table"]) await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown");
  await untilText(
    page,
    "#detail",
    /10\.200\.7\.0\/24[^]*metric 0: wanted[^]*in step[^]*explain 10\.200\.7\.0\/24/,
  );
  await page.keyboard.press("End");
  await untilText(page, "#detail", /0\.0\.0\.0\/0[^]*default-route – it is a default route/);
  assert.equal(await page.evaluate("document.activeElement.getAttribute('aria-selected')"), "true");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#detail").isVisible(), false);
  await page.keyboard.press("/");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("tun0");
  await untilText(page, "tbody", /192\.168\.7\.0\/24[^]*no-gateway/);
});

pageTest(
  "a token is asked for, kept for the tab, and followed when SIGHUP changes it",
  async (router, browser) => {
    const file = `${router.folder}/token`;
    await Deno.writeTextFile(file, `${token}\n`, { mode: 0o644 });
    await Deno.chmod(file, 0o644);
    await router.announce([prefix]);
    const run = router.start("-listen", "0.0.0.0:9155", "-listen-token-file", file);
    await router.untilTable(tableOf([prefix]));
    await run.untilLog(/Every user of this machine can read .*token \(-listen-token-file\)/);
    assert.match(await curl(router, "status"), /^Send the token [^]*\n401$/);
    assert.match(
      await curl(router, "status", "-H", `Authorization: Bearer ${token}`),
      /"state":"ok"[^]*\n200$/,
    );
    assert.match(await curl(router, "metrics"), /^cloudroutesync_healthy 1$/m);
    assert.equal(await curl(router, "healthz"), "ok\n\n200");
    const page = await browser.open(address);
    const give = async (text: string): Promise<void> => {
      await page.locator("#token").fill(text);
      await page.keyboard.press("Enter");
    };
    await untilText(page, "#login", /asks for its token/);
    await give("not-the-token-of-it");
    await untilText(page, "#login-why", /not the service's/);
    await give(token);
    await untilText(page, "tbody", /198\.51\.100\.0/);
    await page.reload();
    await untilText(page, "tbody", /198\.51\.100\.0/);
    await Deno.writeTextFile(file, "another-token-of-it");
    Deno.kill(run.pid, "SIGHUP");
    await until(
      "the old token should be refused",
      async () => (await curl(router, "status", "-H", `Authorization: Bearer ${token}`)).endsWith("401"),
    );
    await page.reload();
    await untilText(page, "#login", /asks for its token/);
    await give("another-token-of-it");
    await untilText(page, "#verdict", /In step/);
    const { log } = await run.stop();
    assert.doesNotMatch(log, /a-token-of-the-test|another-token/);
    // The browser itself tells of each answer 401.
    browser.complaints.splice(
      0,
      browser.complaints.length,
      ...browser.complaints.filter((text) => !/401|ERR_/.test(text)),
    );
  },
);

pageTest("the page lets nothing in and sends nothing out", async (router, browser) => {
  router.start("-listen", listen);
  await untilServed(router);
  const page = await browser.open(address);
  await untilText(page, "#verdict", /In step/);
  // What an injected text could try, and what each try came to.
  const tries = await page.evaluate(`(async () => {
    const broken = [];
    addEventListener("securitypolicyviolation", ({ effectiveDirective }) => broken.push(effectiveDirective));
    try { document.body.innerHTML = "<b>in</b>"; } catch { broken.push("innerHTML"); }
    const script = document.createElement("script");
    try { script.text = "window.isIn = true"; document.body.append(script); } catch { broken.push("script"); }
    const image = new Image();
    image.src = "http://192.0.2.1/leak";
    await fetch("http://192.0.2.1/leak").catch(() => {});
    await new Promise((done) => setTimeout(done, 200));
    return { broken, isIn: window.isIn === true };
  })()`) as { broken: string[]; isIn: boolean };
  assert.equal(tries.isIn, false);
  for (const what of ["innerHTML", "script", "img-src", "connect-src"]) {
    assert.ok(tries.broken.includes(what), `${what} is not stopped: ${tries.broken}`);
  }
  // The browser tells each of them.
  assert.ok(browser.complaints.length >= 4);
  browser.complaints.length = 0;
  browser.requests.splice(
    0,
    browser.requests.length,
    ...browser.requests.filter((url) => !url.includes("192.0.2.1")),
  );
});

pageTest("other names and other sites are refused, whatever the path", async (router) => {
  router.start("-listen", listen, "-listen-host", "status.example");
  await untilServed(router);
  for (const path of ["", "status", "routes", "events"]) {
    assert.match(
      await curl(router, path, "-H", "Host: evil.example"),
      /^This service is not known by the name "evil\.example"[^]*\n421$/,
    );
  }
  for (const path of ["status", "routes", "events"]) {
    assert.match(
      await curl(router, path, "-H", "Sec-Fetch-Site: cross-site"),
      /^Another web site's page[^]*\n403$/,
    );
    assert.match(await curl(router, path, "-X", "POST"), /^Only GET is served here\n\n405$/);
  }
  assert.match(await curl(router, "status", "-H", "Host: status.example:9155"), /\n200$/);
  assert.match(await curl(router, "metrics", "-H", "Host: router.example"), /\n200$/);
});

pageTest("ten thousand prefixes scroll with a handful of rows in the document", async (router, browser) => {
  const prefixes = Array.from(
    { length: 10_000 },
    (_, index) => `100.${64 + (index >> 8)}.${index & 255}.0/24`,
  );
  await router.writeFile([], 12_000);
  await router.announce(prefixes);
  const run = router.start("-listen", listen);
  await router.untilTable(tableOf(prefixes));
  const page = await browser.open(address);
  await untilText(page, "#found", /^10,00\d prefixes$/);
  const rows = page.locator("tbody tr[data-index]");
  const most = async (): Promise<void> => assert.ok(await rows.count() < 80, `${await rows.count()} rows`);
  await most();
  await rows.first().focus();
  await page.keyboard.press("End");
  await untilText(page, "tbody", /192\.168\.7\.0/);
  await most();
  for (const part of [0.1, 0.5, 0.9]) {
    await page.evaluate(
      `{ const rows = document.querySelector("#rows"); rows.scrollTop = rows.scrollHeight * ${part}; }`,
    );
    const expected = Math.round(10_000 * part);
    await until("the rows there should be drawn", async () => {
      const first = Number(await rows.first().getAttribute("data-index"));
      return Math.abs(first - expected) < 60;
    });
    await most();
  }
  await page.locator("#search").fill("100.100.7.");
  await untilText(page, "tbody", /^\s*100\.100\.7\.0\/24/);
  assert.equal(await rows.count(), 1);
  // An open page keeps no service from its end.
  assert.equal((await run.stop()).code, 0);
  await untilText(page, "#trouble", /what is shown is of \d\d:\d\d:\d\d$/);
  browser.complaints.splice(
    0,
    browser.complaints.length,
    ...browser.complaints.filter((text) => !text.includes("ERR_")),
  );
});
