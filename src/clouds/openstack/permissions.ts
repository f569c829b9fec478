/** The least that an application credential must be allowed. */

/**
 * Access rules (Identity API v3, "Application credentials": `access_rules`) for all that the program calls, `doctor` included,
 * but for `doctor -fix`, which writes to a port: that is done once, with a person's own credentials. `*` stands for one part
 * of a path. Neutron must know its own service type for them to work (`[keystone_authtoken] service_type = network`).
 */
export const accessRules: readonly AccessRule[] = [
  "GET /v2.0/extensions",
  "GET /v2.0/ports",
  "GET /v2.0/security-group-rules",
  "GET /v2.0/subnets",
  "GET /v2.0/routers",
  "GET /v2.0/routers/*",
  "GET /v2.0/quotas/*",
  "PUT /v2.0/routers/*",
  "PUT /v2.0/routers/*/add_extraroutes",
  "PUT /v2.0/routers/*/remove_extraroutes",
  // With -peer alone: whether another router's port is gone, and whether its server runs.
  "GET /v2.0/networks",
  "GET /v2.1/servers/*",
].map((line) => {
  const [method = "", path = ""] = line.split(" ");
  return { service: path.startsWith("/v2.1/") ? "compute" : "network", method, path };
});

/** One call that an application credential may make. */
export interface AccessRule {
  readonly service: string;
  readonly method: string;
  readonly path: string;
}

/** The access rules as JSON, as `openstack application credential create --access-rules` takes it. */
export function policyText(): string {
  return `${JSON.stringify(accessRules, null, 2)}\n`;
}
