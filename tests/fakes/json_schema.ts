/** Holds a JSON document to a JSON schema, as far as this program's schemas go: they use no more of the standard than this. */

/** What is used of JSON Schema (draft 2020-12). */
export interface JsonSchema {
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean" | "null";
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly format?: "date-time";
}

/** What is wrong with a document, each with its place; empty if nothing is. */
export function schemaErrors(value: unknown, schema: JsonSchema, place = "$"): readonly string[] {
  if (schema.anyOf !== undefined) {
    const tries = schema.anyOf.map((each) => schemaErrors(value, each, place));
    return tries.some((errors) => errors.length === 0) ? [] : tries[0] ?? [];
  }
  if ("const" in schema && value !== schema.const) return [`${place} is not ${schema.const}`];
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    return [`${place} is ${JSON.stringify(value)}, none of ${schema.enum.join(", ")}`];
  }
  if (schema.type !== undefined && !isOfType(value, schema.type)) {
    return [`${place} is ${JSON.stringify(value)}, no ${schema.type}`];
  }
  if (schema.format === "date-time" && Number.isNaN(Date.parse(String(value)))) {
    return [`${place} is ${JSON.stringify(value)}, no time`];
  }
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => schemaErrors(item, schema.items ?? {}, `${place}[${index}]`));
  }
  return typeof value === "object" && value !== null ? memberErrors(value, schema, place) : [];
}

function memberErrors(value: object, schema: JsonSchema, place: string): readonly string[] {
  const { properties = {}, required = [], additionalProperties = true } = schema;
  const missing = required.filter((name) => !(name in value)).map((name) => `${place}.${name} is missing`);
  const wrong = Object.entries(value).flatMap(([name, member]) => {
    const own = properties[name];
    if (own !== undefined) return schemaErrors(member, own, `${place}.${name}`);
    if (additionalProperties === false) return [`${place}.${name} is not in the schema`];
    return additionalProperties === true
      ? []
      : schemaErrors(member, additionalProperties, `${place}.${name}`);
  });
  return [...missing, ...wrong];
}

function isOfType(value: unknown, type: NonNullable<JsonSchema["type"]>): boolean {
  switch (type) {
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    case "null":
      return value === null;
    case "number":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "boolean":
      return typeof value === "boolean";
  }
}
