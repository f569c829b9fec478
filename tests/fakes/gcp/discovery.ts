/**
 * Google's discovery documents: every request that a fake receives is held against them, so that the program
 * cannot learn an API that exists in its own tests only. `.ci/install/gcp.sh` fetches them.
 */

/** What is used of a JSON schema as the documents write it. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly minimum?: string;
  readonly maximum?: string;
  readonly readOnly?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
}

interface Parameter extends Schema {
  readonly location: "path" | "query";
  readonly required?: boolean;
}

interface Method {
  readonly id: string;
  readonly httpMethod: string;
  readonly flatPath: string;
  readonly path: string;
  readonly parameters?: Readonly<Record<string, Parameter>>;
  readonly request?: Schema;
  readonly scopes?: readonly string[];
}

interface Resource {
  readonly methods?: Readonly<Record<string, Method>>;
  readonly resources?: Readonly<Record<string, Resource>>;
}

interface Document extends Resource {
  readonly servicePath: string;
  readonly parameters: Readonly<Record<string, Schema>>;
  readonly schemas: Readonly<Record<string, Schema>>;
}

/** Where the installed documents are. */
export function discoveryFolder(): string {
  const cache = Deno.env.get("CLOUDROUTESYNC_TEST_CACHE") ??
    new URL("../../../.cache", import.meta.url).pathname;
  return `${cache}/gcp`;
}

/** A discovery document to hold requests against. */
export class Discovery {
  readonly #document: Document;
  readonly #methods: readonly { readonly method: Method; readonly path: RegExp }[];

  constructor(document: Document) {
    this.#document = document;
    this.#methods = methodsOf(document).map((method) => ({
      method,
      path: new RegExp(`^/${document.servicePath}${method.flatPath.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`),
    }));
  }

  /** Loads an installed document; null where it is missing, which with `CI` set is an error. */
  static load(name: string): Discovery | null {
    const file = `${discoveryFolder()}/${name}.json`;
    try {
      // The file is Google's own; what this class reads of it is described by the types above.
      return new Discovery(JSON.parse(Deno.readTextFileSync(file)) as Document);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound && !Deno.env.has("CI")) return null;
      throw new Error(`Cannot read ${file}: run .ci/install/gcp.sh`, { cause: error });
    }
  }

  /**
   * Holds a request against the document.
   *
   * @returns what is wrong with it, empty if nothing; null if the document knows no such method.
   */
  problems(httpMethod: string, url: URL, body: unknown): readonly string[] | null {
    for (const { method, path } of this.#methods) {
      const match = path.exec(decodeURIComponent(url.pathname));
      if (match === null || method.httpMethod !== httpMethod) continue;
      return [
        ...this.#pathProblems(method, match.groups ?? {}),
        ...this.#queryProblems(method, url.searchParams),
        ...this.#bodyProblems(method, body),
      ].map((problem) => `${method.id}: ${problem}`);
    }
    return null;
  }

  /** The access scopes each of which suffices for a request; null if the document knows no such method. */
  scopesOf(httpMethod: string, url: URL): readonly string[] | null {
    const found = this.#methods.find(({ method, path }) =>
      method.httpMethod === httpMethod && path.test(decodeURIComponent(url.pathname))
    );
    return found?.method.scopes ?? null;
  }

  #pathProblems(method: Method, values: Readonly<Record<string, string>>): readonly string[] {
    return Object.entries(values).flatMap(([name, value]) =>
      this.#problems(`path parameter ${name}`, method.parameters?.[name] ?? {}, value)
    );
  }

  #queryProblems(method: Method, query: URLSearchParams): readonly string[] {
    const known: Readonly<Record<string, Schema>> = { ...this.#document.parameters, ...method.parameters };
    return [...query].flatMap(([name, value]) => {
      const schema = known[name];
      if (schema === undefined) return [`there is no query parameter "${name}"`];
      const typed = schema.type === "integer"
        ? Number(value)
        : schema.type === "boolean"
        ? value === "true"
        : value;
      return this.#problems(`query parameter ${name}`, schema, typed);
    });
  }

  #bodyProblems(method: Method, body: unknown): readonly string[] {
    if (method.request === undefined) return body === null ? [] : ["it takes no body"];
    return body === null ? ["the body is missing"] : this.#problems("body", method.request, body);
  }

  #problems(where: string, schema: Schema, value: unknown): readonly string[] {
    const found = schema.$ref === undefined ? schema : this.#document.schemas[schema.$ref];
    if (found === undefined) return [`${where}: the document lacks its schema`];
    if (schema.readOnly === true) return [`${where} is for output only`];
    switch (found.type) {
      case "object":
        return isObject(value) ? this.#objectProblems(where, found, value) : [`${where} is no object`];
      case "array":
        if (!Array.isArray(value)) return [`${where} is no list`];
        return value.flatMap((item, index) => this.#problems(`${where}[${index}]`, found.items ?? {}, item));
      case "string":
        return typeof value === "string" ? textProblems(where, found, value) : [`${where} is no text`];
      case "integer":
      case "number":
        return typeof value === "number" ? numberProblems(where, found, value) : [`${where} is no number`];
      case "boolean":
        return typeof value === "boolean" ? [] : [`${where} is neither true nor false`];
      default:
        return [];
    }
  }

  #objectProblems(
    where: string,
    schema: Schema,
    value: Readonly<Record<string, unknown>>,
  ): readonly string[] {
    return Object.entries(value).flatMap(([name, inner]) => {
      const property = schema.properties?.[name] ?? schema.additionalProperties;
      return property === undefined
        ? [`${where} has no field "${name}"`]
        : this.#problems(`${where}.${name}`, property, inner);
    });
  }
}

function methodsOf(resource: Resource): readonly Method[] {
  return [
    ...Object.values(resource.methods ?? {}),
    ...Object.values(resource.resources ?? {}).flatMap(methodsOf),
  ];
}

function textProblems(where: string, schema: Schema, value: string): readonly string[] {
  if (schema.enum !== undefined && !schema.enum.includes(value)) return [`${where} cannot be "${value}"`];
  if (schema.pattern !== undefined && !new RegExp(`^(?:${schema.pattern})$`).test(value)) {
    return [`${where} "${value}" does not match ${schema.pattern}`];
  }
  return [];
}

function numberProblems(where: string, schema: Schema, value: number): readonly string[] {
  if (schema.type === "integer" && !Number.isInteger(value)) return [`${where} is no integer`];
  const least = Number(schema.minimum ?? (schema.format === "uint32" ? 0 : -Infinity));
  const most = Number(schema.maximum ?? (schema.format === "uint32" ? 2 ** 32 - 1 : Infinity));
  return value < least || value > most ? [`${where} ${value} is not within ${least} to ${most}`] : [];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
