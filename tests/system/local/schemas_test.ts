/** Each JSON document of the executable keeps its schema (`schemas/`), in step and in trouble. */

import assert from "node:assert/strict";
import { type JsonSchema, schemaErrors } from "../../fakes/json_schema.ts";
import { until } from "../until.ts";
import { type Router, routerTest } from "./router.ts";

const prefix = "198.51.100.0/24";
const foreign = { prefix: "203.0.113.0/24", nextHop: "10.0.0.99", owner: "operator" };
const schemas = new URL("../../../schemas/", import.meta.url);

/** Holds what a command prints to the schema of its name. */
async function keeps(router: Router, command: string): Promise<void> {
  const [name = ""] = command.split(" ");
  // The repository's own files.
  const schema = JSON.parse(await Deno.readTextFile(new URL(`${name}.schema.json`, schemas))) as JsonSchema;
  const { document } = await router.document(command);
  assert.deepEqual(schemaErrors(document, schema), [], command);
}

routerTest("each document of -output json keeps its schema", async (router) => {
  await router.writeFile([foreign], 2);
  await router.announce([prefix, foreign.prefix, "192.0.2.0/24"]);
  const commands = [
    "plan",
    "plan -dropped",
    "apply",
    "routes",
    "routes -count",
    "routes 9.9.9.9",
    `explain ${prefix}`,
    "explain 9.9.9.9",
    "explain 9.9.9.0/24",
    "doctor",
    "status",
  ];
  for (const command of commands) await keeps(router, command);
  const run = router.start();
  await until("the run is degraded", () => /degraded/.test(run.log));
  await router.withdraw(["192.0.2.0/24"]);
  await keeps(router, "status");
  await keeps(router, `explain ${foreign.prefix}`);
});

Deno.test("schemaErrors() tells what is missing, what is too much and what is of another type", () => {
  const schema: JsonSchema = {
    type: "object",
    properties: { a: { type: "integer" }, b: { anyOf: [{ type: "string" }, { type: "null" }] } },
    required: ["a", "b"],
    additionalProperties: false,
  };
  assert.deepEqual(schemaErrors({ a: 1, b: null }, schema), []);
  assert.deepEqual(schemaErrors({ a: 1.5, c: 1 }, schema), [
    "$.b is missing",
    "$.a is 1.5, no integer",
    "$.c is not in the schema",
  ]);
});
