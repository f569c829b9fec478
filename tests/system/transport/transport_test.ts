/** The transport of the compiled program, whose runtime is older than the tests': what breaks on the way ends no process. */

import assert from "node:assert/strict";
import { compile } from "../../../.ci/compile.ts";
import { type Fault, FaultyRelay } from "../../fakes/faulty_relay.ts";
import { ForwardProxy } from "../../fakes/forward_proxy.ts";
import { inTemporaryFolder } from "../../fakes/temporary_folder.ts";
import { skips } from "../../needs.ts";
import { binaryMissing } from "../binary.ts";
import type { Order, Outcome } from "./probe.ts";

const entry = new URL("probe.ts", import.meta.url).pathname;
const large = 8_000_000;

/** A running probe. */
class Probe implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #outcomes: ReadableStreamDefaultReader<string>;

  constructor(executable: string, env: Readonly<Record<string, string>> = {}) {
    const pipes = { stdin: "piped", stdout: "piped", stderr: "inherit" } as const;
    this.#child = new Deno.Command(executable, { clearEnv: true, env: { ...env }, ...pipes }).spawn();
    this.#orders = this.#child.stdin.getWriter();
    this.#outcomes = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  async send(order: Partial<Order> & { readonly url: string }): Promise<Outcome> {
    const whole: Order = {
      method: "GET",
      bytes: 0,
      timeoutMs: 10_000,
      giveUpAfterMs: null,
      direct: false,
      ...order,
    };
    await this.#orders.write(new TextEncoder().encode(`${JSON.stringify(whole)}\n`));
    const { value } = await this.#outcomes.read();
    assert.ok(value !== undefined, "the process ended");
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#orders.close();
    await this.#outcomes.cancel();
    assert.equal((await this.#child.status).code, 0);
  }
}

async function answer(request: Request): Promise<Response> {
  if (new URL(request.url).pathname === "/large") return new Response(new Uint8Array(large));
  return new Response(String((await request.bytes()).length));
}

/** Faults by what the call does meanwhile; `/large` answers with a large body, a PUT sends one. */
const faults: readonly (Fault & { readonly path?: string; readonly bytes?: number })[] = [
  { count: "answer", after: 0, how: "reset" },
  { count: "answer", after: 20, how: "reset" },
  { count: "answer", after: 100_000, how: "reset", path: "/large" },
  { count: "answer", after: 20, how: "end" },
  { count: "answer", after: 100_000, how: "end", path: "/large" },
  { count: "request", after: 50_000, how: "reset", bytes: large },
  { count: "request", after: 0, how: "hang" },
  { count: "answer", after: 100_000, how: "hang", path: "/large" },
  { count: "request", after: 50_000, how: "hang", bytes: large },
];

Deno.test({
  name: "the compiled transport outlives each broken connection",
  ignore: skips(await binaryMissing()),
  fn: async (t) => {
    await inTemporaryFolder(async (folder) => {
      const executable = `${folder}/probe`;
      await compile({ entry, output: executable, target: `${Deno.build.arch}-unknown-linux-gnu` });
      for (const hostname of ["127.0.0.1", "::1"]) {
        await t.step(`faults at ${hostname}`, () => breakEachWay(executable, hostname));
      }
      await t.step("proxies", () => goBothWays(executable));
    });
  },
});

async function breakEachWay(executable: string, hostname: string): Promise<void> {
  const onError = (): Response => new Response(null, { status: 500 });
  await using server = Deno.serve({ hostname, port: 0, onListen: () => {}, onError }, answer);
  await using relay = await FaultyRelay.start(server.addr.port, hostname);
  await using probe = new Probe(executable);
  for (const { path = "/", bytes = 0, ...fault } of faults) {
    const order = { method: bytes === 0 ? "GET" : "PUT", url: `http://${relay.authority}${path}`, bytes };
    const timeoutMs = fault.how === "hang" ? 200 : 10_000;
    relay.arm(fault);
    const failed = await probe.send({ ...order, timeoutMs });
    assert.deepEqual(
      [failed.error, failed.timedOut],
      ["TransportError", fault.how === "hang"],
      failed.message,
    );
    if (fault.how === "hang") {
      const left = await probe.send({ ...order, giveUpAfterMs: 50 });
      assert.deepEqual([left.error, left.message], ["Error", "told to stop"]);
    }
    relay.arm(null);
    assert.equal((await probe.send(order)).status, 200);
  }
  relay.resetAll();
  while (relay.open > 0) await new Promise((wake) => setTimeout(wake, 5));
  assert.equal((await probe.send({ url: `http://${relay.authority}/` })).status, 200);
}

async function goBothWays(executable: string): Promise<void> {
  await using proxy = await ForwardProxy.start();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  const url = `http://127.0.0.1:${server.addr.port}/`;
  await using probe = new Probe(executable, { HTTP_PROXY: proxy.url, https_proxy: proxy.url });
  assert.equal((await probe.send({ url })).status, 200);
  await probe.send({ url: "https://127.0.0.1:4430/" });
  assert.deepEqual(proxy.asked.splice(0), [`GET ${url}`, "CONNECT 127.0.0.1:4430"]);
  assert.equal((await probe.send({ url, direct: true })).status, 200);
  await probe.send({ url: "http://169.254.169.254/", timeoutMs: 50 });
  await probe.send({ url: "http://[fd00:ec2::254]/", timeoutMs: 50 });
  await using excepted = new Probe(executable, { HTTP_PROXY: proxy.url, NO_PROXY: "127.0.0.0/8" });
  assert.equal((await excepted.send({ url })).status, 200);
  assert.deepEqual(proxy.asked, []);
}
