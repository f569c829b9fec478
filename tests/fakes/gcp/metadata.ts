/** A fake of the metadata server of one VM on Compute Engine. */

import type { FakeInstance } from "./world.ts";

/** The fake. */
export class FakeMetadata {
  /** The token that it gives; null: the VM has no service account. */
  token: string | null = "ya29.first";
  /** Seconds that a token lasts. */
  tokenSeconds = 3600;
  scopes: readonly string[] = ["https://www.googleapis.com/auth/cloud-platform"];
  /** Whether it answers at all; else it says 503. */
  isUp = true;
  /** Paths that were asked for. */
  readonly calls: string[] = [];

  constructor(readonly project: string, readonly instance: FakeInstance) {}

  /** Answers a request. */
  readonly handle = (request: Request): Response => {
    const { pathname } = new URL(request.url);
    this.calls.push(pathname);
    if (!this.isUp) return new Response("Service Unavailable", { status: 503 });
    if (request.headers.get("metadata-flavor") !== "Google") {
      return new Response("Forbidden", { status: 403 });
    }
    const answer = this.#answer(pathname.replace("/computeMetadata/v1/", ""));
    const headers = { "metadata-flavor": "Google" };
    if (answer === null) return new Response("Not Found", { status: 404, headers });
    return typeof answer === "string"
      ? new Response(answer, { headers })
      : Response.json(answer, { headers });
  };

  #answer(path: string): unknown {
    switch (path) {
      case "project/project-id":
        return this.project;
      case "instance/name":
        return this.instance.name;
      case "instance/zone":
        return `projects/493817265014/zones/${this.instance.zone}`;
      case "instance/network-interfaces/":
        return this.instance.interfaces.map((leg) => ({
          ip: leg.networkIP,
          mtu: 1460,
          ...(leg.ipv6Address === undefined
            ? {}
            : { ipv6s: [leg.ipv6Address], gatewayIpv6: "fe80::4001:aff:fe00:1" }),
        }));
      case "instance/service-accounts/default/token":
        return this.token === null
          ? null
          : { access_token: this.token, expires_in: this.tokenSeconds, token_type: "Bearer" };
      case "instance/service-accounts/default/scopes":
        return this.token === null ? null : `${this.scopes.join("\n")}\n`;
      default:
        return null;
    }
  }
}
