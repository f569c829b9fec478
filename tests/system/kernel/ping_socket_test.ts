/** Ping sockets of a real kernel: allowed to groups by a sysctl of the namespace. */

import assert from "node:assert/strict";
import { skips } from "../../needs.ts";
import { Namespace, namespacesMissing } from "../namespace.ts";

const ignore = skips(namespacesMissing());

/** Pings an address in the namespace. @returns `true`, `false` or the error's message. */
async function pingIn(namespace: Namespace, family: 4 | 6, bytes: readonly number[]): Promise<string> {
  const [libc, socket] = ["libc", "ping_socket"].map((name) =>
    new URL(`../../../ffi/${name}.ts`, import.meta.url).href
  );
  const script = `
    const { openLibc } = await import("${libc}");
    const { ping } = await import("${socket}");
    const target = { family: ${family}, bytes: new Uint8Array([${bytes}]) };
    try {
      console.log(await ping(openLibc(), target, 300));
    } catch (error) {
      console.log(error.message);
    }`;
  return (await namespace.must([Deno.execPath(), "eval", "--no-lock", script])).trim();
}

Deno.test({
  name: "ping() tells who answers, and what keeps it from asking",
  ignore,
  fn: async () => {
    await using namespace = await Namespace.create();
    await namespace.ip("link set lo up");
    await namespace.veth("eth0", "far0", "10.0.0.4/24");
    const [loopback, absent] = [[127, 0, 0, 1], [10, 0, 0, 9]];
    await namespace.sysctl("net/ipv4/ping_group_range", "1 0");
    assert.equal(await pingIn(namespace, 4, loopback), "Cannot open a ping socket: EACCES");
    await namespace.sysctl("net/ipv4/ping_group_range", "0 2147483647");
    assert.equal(await pingIn(namespace, 4, loopback), "true");
    assert.equal(await pingIn(namespace, 6, [...new Array<number>(15).fill(0), 1]), "true");
    assert.equal(await pingIn(namespace, 4, absent), "false");
    assert.equal(await pingIn(namespace, 4, [192, 0, 2, 1]), "false", "there is no way there");
  },
});
