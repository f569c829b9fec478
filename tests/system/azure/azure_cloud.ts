/**
 * What the tests of the Azure cloud share: the real SDK against a stand-in for Azure's API. The SDK keeps tokens and the token endpoint
 * for the life of the process, so all tests of a file share one rig.
 */

import assert from "node:assert/strict";
import { openAzure } from "../../../src/clouds/azure/azure.ts";
import type { Change, CloudRoute, CloudTable, TableState } from "../../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import type { AnyCloudOptions } from "../../fakes/cloud_options.ts";
import { parsePrefix } from "../../../src/routes/prefix.ts";
import type { ArmFault } from "../../fakes/azure/arm.ts";
import { addresses, AzureRig } from "../../fakes/azure/rig.ts";
import { opensslMissing } from "../../fakes/certificates.ts";
import { ConnectedCloud } from "../../fakes/connected_cloud.ts";
import { skips } from "../../needs.ts";

const ignore = skips(opensslMissing());
const rig = ignore ? null : await AzureRig.start();
/** A signal that never ends. */
export const signal = new AbortController().signal;

Deno.test.afterAll(async () => {
  await rig?.[Symbol.asyncDispose]();
});

/** A test on a fresh stage. The SDK keeps its connections open, so leaks are not looked for. */
export function azureTest(name: string, body: (rig: AzureRig) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      if (rig === null) return;
      rig.reset();
      rig.useHere();
      await body(rig);
    },
  });
}

/** Azure on the rig. */
export function open(rig: AzureRig, changed: Partial<AnyCloudOptions> = {}): ConnectedCloud {
  return new ConnectedCloud(openAzure(rig.options(changed)));
}

/** A cloud with its table made and read; the calls up to then are forgotten. */
export async function ready(
  rig: AzureRig,
  changed: Partial<AnyCloudOptions> = {},
): Promise<{ cloud: ConnectedCloud; table: CloudTable; state: TableState }> {
  const cloud = open(rig, changed);
  const [table] = await cloud.prepare(signal);
  assert.ok(table);
  const state = await cloud.read(table, signal);
  rig.arm.calls.length = 0;
  return { cloud, table, state };
}

/** An add; to this VM where no next hop is named. */
export function add(prefix: string, ...to: string[]): Change {
  return {
    action: "add",
    prefix: parsePrefix(prefix),
    from: null,
    to: to.length > 0 ? to : [addresses.router],
  };
}

/** The route of a prefix; fails the test if there is none. */
export function routeOf(state: TableState | undefined, prefix: string): CloudRoute {
  const found = state?.routes.find((item) => item.prefix.text === prefix);
  assert.ok(found, `no route ${prefix}`);
  return found;
}

/** Adds of 198.18.0.0/32, 198.18.0.1/32, … */
export function many(count: number): Change[] {
  return Array.from({ length: count }, (_, index) => add(`198.18.${index >> 8}.${index & 255}/32`));
}

/** Expects a failure of this kind. */
export async function rejects(
  promise: Promise<unknown>,
  kind: CloudErrorKind,
  words = /^Cannot /,
): Promise<CloudError> {
  let caught: unknown;
  try {
    await promise;
  } catch (error) {
    caught = error;
  }
  assert.ok(caught instanceof CloudError, `${kind} expected, got ${caught}`);
  assert.equal(caught.kind, kind, caught.message);
  assert.match(caught.message, words);
  return caught;
}

/** What Azure answers while a replica lags behind (hashicorp/terraform-provider-azurerm#18268). */
export function notFound(id: string, times: number): ArmFault {
  return {
    matches: ({ method, path }) => method === "GET" && path === id,
    times,
    status: 404,
    code: "ResourceNotFound",
    message: "The Resource 'Microsoft.Network/routeTables/x' was not found.",
  };
}

/** Prefixes or addresses as text. */
export function texts(items: readonly { readonly text: string }[]): readonly string[] {
  return items.map(({ text }) => text);
}

/** The writes so far: method, last part of the path, status. */
export function written(rig: AzureRig): string[] {
  return rig.arm.writes().map(({ method, path, status }) =>
    `${method} ${path.slice(path.lastIndexOf("/") + 1)} ${status}`
  );
}
