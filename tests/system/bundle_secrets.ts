/** `bundle` of a service that logs all that it can, held against each secret that its requests carried. */

import assert from "node:assert/strict";
import { secretsOf } from "../contract/http_traffic.ts";
import type { Seen } from "../fakes/tap.ts";
import type { RouterVm } from "./router_vm.ts";

/**
 * Makes a bundle and looks for secrets in it.
 *
 * @param vm its service runs with `-debug` and is in step.
 * @param seen the requests that the cloud's stand-in saw.
 * @param more secrets that no request carries as they are.
 */
export async function bundleHoldsNoSecret(
  vm: RouterVm,
  seen: () => readonly Seen[],
  more: readonly string[] = [],
): Promise<void> {
  const path = `${vm.folder}/report.txt`;
  const { code, stderr } = await vm.command(`bundle ${path}`);
  assert.equal(code, 0, stderr);
  const report = await Deno.readTextFile(path);
  await Deno.remove(path);
  assert.match(report, /^== last log lines\n.*\n(.*\n)*.* \[DBG\].* ms/m, "it has what -debug says of calls");
  assert.match(report, /^== doctor\n\[ok\]/m);
  const secrets = new Set([...seen().flatMap(secretsOf), ...more]);
  assert.ok(secrets.size > 0, "no request carried a secret");
  for (const secret of secrets) assert.ok(!report.includes(secret), `the bundle holds ${secret}`);
}
