/**
 * Kubernetes' own schema, and what of a manifest does not fit it.
 *
 * The documents say of each field its type, and that is what is compared here; what only the API server's code checks (names,
 * ranges, fields that exclude one another) is not in them. A field that no schema knows is an error, as with `kubectl --validate=strict`.
 */

import { join } from "node:path";

/** A schema, as far as Kubernetes uses JSON schema in OpenAPI 3. */
interface Schema {
  readonly type?: string;
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly "x-kubernetes-group-version-kind"?: readonly {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }[];
}

/** The folder that `.ci/install/kubernetes.sh` fills. */
export const schemaFolder = join(
  Deno.env.get("CLOUDROUTESYNC_TEST_CACHE") ?? new URL("../../../.cache", import.meta.url).pathname,
  "kubernetes",
);

/** All kinds of some API groups. */
export class Kubernetes {
  readonly #schemas: ReadonlyMap<string, Schema>;

  private constructor(schemas: ReadonlyMap<string, Schema>) {
    this.#schemas = schemas;
  }

  /** Reads the documents of the groups that this project's manifests are of. */
  static async read(): Promise<Kubernetes> {
    const schemas = new Map<string, Schema>();
    for (const name of ["api__v1", "apis__apps__v1", "apis__rbac.authorization.k8s.io__v1"]) {
      // Kubernetes' own document, pinned by its checksum.
      const document = JSON.parse(await Deno.readTextFile(join(schemaFolder, `${name}.json`))) as {
        readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
      };
      for (const [key, schema] of Object.entries(document.components.schemas)) schemas.set(key, schema);
    }
    return new Kubernetes(schemas);
  }

  /** What is wrong with an object, as sentences that name the field. */
  errors(object: unknown): readonly string[] {
    const { apiVersion, kind } = object as { readonly apiVersion?: string; readonly kind?: string };
    const schema = this.#schemas.values().find((known) =>
      known["x-kubernetes-group-version-kind"]?.some(({ group, version, kind: name }) =>
        name === kind && [group, version].filter((part) => part !== "").join("/") === apiVersion
      )
    );
    return schema === undefined
      ? [`there is no ${kind} of ${apiVersion}`]
      : [...this.#compare(object, schema, kind ?? "")];
  }

  *#compare(value: unknown, schema: Schema, path: string): Generator<string> {
    const { type, properties, required, items, additionalProperties, oneOf } = this.#resolved(schema);
    if (oneOf !== undefined) {
      if (!oneOf.some((choice) => hasType(value, choice.type))) {
        yield `${path} is of no type that it may have`;
      }
      return;
    }
    if (!hasType(value, type)) return yield `${path} should be of type ${type}`;
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) {
        yield* this.#compare(item, items ?? {}, `${path}[${index}]`);
      }
    } else if (value instanceof Object) {
      for (const name of required ?? []) if (!(name in value)) yield `${path}.${name} is missing`;
      for (const [name, field] of Object.entries(value)) {
        const known = properties?.[name] ?? additionalProperties;
        if (known === undefined && properties !== undefined) yield `${path}.${name} is unknown`;
        else yield* this.#compare(field, known ?? {}, `${path}.${name}`);
      }
    }
  }

  /** A schema behind its references. */
  #resolved(schema: Schema): Schema {
    const only = schema.allOf?.length === 1 ? schema.allOf[0] : schema;
    if (only?.$ref === undefined) return only ?? schema;
    const name = only.$ref.replace("#/components/schemas/", "");
    const target = this.#schemas.get(name);
    if (target === undefined) throw new Error(`Cannot resolve ${only.$ref}: no document has it`);
    return this.#resolved(target);
  }
}

function hasType(value: unknown, type: string | undefined): boolean {
  switch (type) {
    case undefined:
      return true;
    case "array":
      return Array.isArray(value);
    case "object":
      return value instanceof Object && !Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    case "string":
      return typeof value === "string";
    case "boolean":
      return typeof value === "boolean";
    case "number":
      return typeof value === "number";
    default:
      throw new Error(`Cannot compare with the type ${type}: it is none of JSON's`);
  }
}
