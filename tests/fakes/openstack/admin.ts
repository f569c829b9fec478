/** The administrator's calls to Keystone and Neutron by which the rig sets up and looks at what the program works on. */

/** An answer's JSON as far as the rig needs it. */
export type Json = Record<string, unknown>;

/** A user's password login to a project. */
export interface Login {
  readonly user: string;
  readonly password: string;
  readonly project: string;
}

/** Base URLs of the servers, without the proxy. */
export interface ServerUrls {
  /** With `/v3`. */
  readonly keystone: string;
  /** Without `/v2.0`. */
  readonly neutron: string;
}

/** A session of one user. */
export class AdminClient {
  readonly #urls: ServerUrls;
  readonly token: string;
  readonly userId: string;

  private constructor(urls: ServerUrls, token: string, userId: string) {
    this.#urls = urls;
    this.token = token;
    this.userId = userId;
  }

  /** Logs in. */
  static async open(urls: ServerUrls, login: Login): Promise<AdminClient> {
    const domain = { id: "default" };
    const response = await fetch(`${urls.keystone}/auth/tokens`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        auth: {
          identity: {
            methods: ["password"],
            password: { user: { name: login.user, domain, password: login.password } },
          },
          scope: { project: { name: login.project, domain } },
        },
      }),
    });
    const body = await response.json();
    const token = response.headers.get("x-subject-token");
    if (token === null) throw new Error(`Cannot log in as ${login.user}: ${JSON.stringify(body)}`);
    return new AdminClient(urls, token, body.token.user.id);
  }

  /** A Keystone call below `/v3`. */
  keystone(method: string, path: string, body?: unknown): Promise<Json> {
    return this.#call(method, `${this.#urls.keystone}/${path}`, body);
  }

  /** A Neutron call below `/v2.0`. */
  neutron(method: string, path: string, body?: unknown): Promise<Json> {
    return this.#call(method, `${this.#urls.neutron}/v2.0/${path}`, body);
  }

  /** Creates a resource: `create("neutron", "networks", "network", {…})` answers the network. */
  async create(
    server: "keystone" | "neutron",
    path: string,
    noun: string,
    values: Json,
  ): Promise<Json & { id: string }> {
    const answer = await this[server]("POST", path, { [noun]: values });
    const made = answer[noun];
    if (!isMade(made)) throw new Error(`Cannot create ${noun}: ${JSON.stringify(answer)}`);
    return made;
  }

  /** Makes a token worthless. */
  async revoke(token: string): Promise<void> {
    const { status } = await fetch(`${this.#urls.keystone}/auth/tokens`, {
      method: "DELETE",
      headers: { "x-auth-token": this.token, "x-subject-token": token },
    });
    if (status !== 204) throw new Error(`Cannot revoke a token: ${status}`);
  }

  async #call(method: string, url: string, body?: unknown): Promise<Json> {
    const response = await fetch(url, {
      method,
      headers: { "x-auth-token": this.token, "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`Cannot ${method} ${url}: ${response.status} ${text}`);
    return text === "" ? {} : JSON.parse(text);
  }
}

function isMade(value: unknown): value is Json & { id: string } {
  return typeof value === "object" && value !== null && "id" in value && typeof value.id === "string";
}
