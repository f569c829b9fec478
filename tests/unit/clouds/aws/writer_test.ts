import assert from "node:assert/strict";
import type { CreateRouteCommandInput } from "../../../../src/clouds/aws/api.ts";
import { type RouteCalls, writeChange } from "../../../../src/clouds/aws/writer.ts";
import type { Change, CloudRoute } from "../../../../src/clouds/cloud.ts";
import { CloudError, type CloudErrorKind } from "../../../../src/clouds/cloud_error.ts";
import { parsePrefix } from "../../../../src/routes/prefix.ts";

const signal = new AbortController().signal;
const prefix = parsePrefix("198.51.100.0/24");
const from: CloudRoute = { prefix, nextHops: ["eni-1"], owner: null };
const replacement: Change = { action: "replace", prefix, from, to: ["eni-2"] };

type Answers = Partial<Record<keyof RouteCalls, CloudError>>;

function refusal(kind: CloudErrorKind, code: string): CloudError {
  return new CloudError(kind, `Cannot do it: ${code}`, { code });
}

/** Executes a change against an EC2 that refuses some calls. @returns its outcome and what EC2 was asked. */
async function written(change: Change, answers: Answers): Promise<[CloudError | null, string[]]> {
  const calls: string[] = [];
  const call = (name: keyof RouteCalls) => (input: CreateRouteCommandInput) => {
    calls.push([name, input.NetworkInterfaceId].join(" ").trim());
    const error = answers[name];
    return error === undefined ? Promise.resolve() : Promise.reject(error);
  };
  const api: RouteCalls = {
    createRoute: call("createRoute"),
    replaceRoute: call("replaceRoute"),
    deleteRoute: call("deleteRoute"),
  };
  return [await writeChange(api, "rtb-1", change, signal), calls];
}

/** Both ways that EC2 has to say that there is no such route. */
const noSuchRoute = [
  refusal("conflict", "InvalidParameterValue"),
  refusal("conflict", "InvalidRoute.NotFound"),
];

Deno.test("writeChange() creates once what there is nothing to replace of", async () => {
  for (const replaceRoute of noSuchRoute) {
    assert.deepEqual(await written(replacement, { replaceRoute }), [
      null,
      ["replaceRoute eni-2", "createRoute eni-2"],
    ]);
  }
});

Deno.test("writeChange() says why the route could not be created either", async () => {
  const createRoute = refusal("conflict", "RouteAlreadyExists");
  for (const replaceRoute of noSuchRoute) {
    const [error, calls] = await written(replacement, { replaceRoute, createRoute });
    assert.equal(error, createRoute);
    assert.equal(calls.length, 2);
  }
});

Deno.test("writeChange() creates nothing where replacing failed for another reason", async () => {
  for (
    const replaceRoute of [
      refusal("invalid", "InvalidParameterValue"),
      refusal("conflict", "InvalidNetworkInterfaceID.NotFound"),
      refusal("unavailable", "InternalError"),
    ]
  ) {
    assert.deepEqual(await written(replacement, { replaceRoute }), [replaceRoute, ["replaceRoute eni-2"]]);
  }
});

Deno.test("writeChange() takes a route to delete that is not there for done", async () => {
  for (const deleteRoute of noSuchRoute) {
    const change: Change = { action: "delete", prefix, from, to: null };
    assert.deepEqual(await written(change, { deleteRoute }), [null, ["deleteRoute"]]);
  }
});

Deno.test("writeChange() restores the VPC's own route, which cannot be deleted", async () => {
  const change: Change = { action: "delete", prefix, from: { ...from, protected: true }, to: null };
  assert.deepEqual(await written(change, {}), [null, ["replaceRoute"]]);
});
