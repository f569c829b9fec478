/** A real browser inside a test's namespace: Debian's Chromium, driven by playwright-core. */

import { type Browser, chromium, type Page } from "playwright-core";
import { programMissing } from "../needs.ts";
import type { Namespace } from "./namespace.ts";

/** Why there is no browser here, or null if there is one. */
export function browserMissing(): string | null {
  return programMissing("chromium");
}

/** A browser, and what its pages complained of. */
export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser;
  /** Errors of scripts, lines of the console above `info`, and requests that failed, of all pages. */
  readonly complaints: string[] = [];
  /** The addresses that pages asked for. */
  readonly requests: string[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** Starts a browser. @param folder where it keeps what it needs; the caller removes it. */
  static async start(namespace: Namespace, folder: string): Promise<TestBrowser> {
    const program = `${folder}/chromium.sh`;
    const words = namespace.commandLine(["chromium"]).map((word) => `'${word}'`).join(" ");
    await Deno.writeTextFile(program, `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
    // Chromium's own sandbox does not work for root; it sees only our own page.
    const args = ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"];
    return new TestBrowser(await chromium.launch({ executablePath: program, args }));
  }

  /** Opens a page. */
  async open(address: string, options: Parameters<Browser["newPage"]>[0] = {}): Promise<Page> {
    const page = await this.#browser.newPage(options);
    page.on("console", (message) => {
      if (["warning", "error"].includes(message.type())) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("request", (request) => this.requests.push(request.url()));
    await page.goto(address);
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}
