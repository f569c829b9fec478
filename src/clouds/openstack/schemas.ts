/** The parts of Neutron's answers that are used, validated where they come in. */

import * as v from "valibot";

const fixedIpSchema = v.object({ subnet_id: v.string(), ip_address: v.string() });

const addressPairSchema = v.looseObject({ ip_address: v.string(), mac_address: v.optional(v.string()) });

export const portSchema = v.object({
  id: v.string(),
  network_id: v.string(),
  device_id: v.string(),
  device_owner: v.string(),
  fixed_ips: v.array(fixedIpSchema),
  mac_address: v.string(),
  /** Absent where the extension `standard-attr-revisions` is. */
  revision_number: v.optional(v.number()),
  /** Absent where the extension `port-security` is. */
  port_security_enabled: v.optional(v.boolean()),
  allowed_address_pairs: v.optional(v.array(addressPairSchema), []),
  security_groups: v.optional(v.array(v.string()), []),
});

/** A port of another router. */
export const peerPortSchema = v.object({
  id: v.string(),
  device_id: v.string(),
  device_owner: v.string(),
  /** `ACTIVE`, `DOWN`, `BUILD`, `ERROR` or `N/A` (Networking API). */
  status: v.string(),
  fixed_ips: v.array(fixedIpSchema),
});

/** To whom a network belongs. */
export const networkSchema = v.object({ id: v.string(), project_id: v.string() });

/** The addresses besides its own that a port may send from. */
export const pairedPortSchema = v.object({
  id: v.string(),
  allowed_address_pairs: v.optional(v.array(addressPairSchema), []),
});

/** A server of Nova's (Compute API). */
export const serverSchema = v.object({ server: v.object({ status: v.string() }) });

export const subnetSchema = v.object({
  id: v.string(),
  network_id: v.string(),
  cidr: v.string(),
  gateway_ip: v.optional(v.nullable(v.string()), null),
});

/** Asked for by remote group, so each has one. */
export const securityGroupRulesSchema = v.object({
  security_group_rules: v.array(v.object({ remote_group_id: v.string() })),
});

const routeSchema = v.object({ destination: v.string(), nexthop: v.string() });

export const routerSchema = v.object({
  id: v.string(),
  name: v.string(),
  project_id: v.string(),
  /** Absent where the extension `standard-attr-revisions` is. */
  revision_number: v.optional(v.number()),
  routes: v.array(routeSchema),
});

/** Only what names a router: a listing of routers need not carry their routes. */
export const routerNameSchema = v.object({ id: v.string(), name: v.string() });

/** Tags are absent where the extension `standard-attr-tag` is. */
export const taggedRouterSchema = v.object({
  id: v.string(),
  name: v.string(),
  tags: v.optional(v.array(v.string()), []),
});

/** Says of a page whether there is a next one: `{"rel": "next", "href": …}`. */
export const linksSchema = v.optional(v.array(v.object({ rel: v.string() })), []);

/** `-1` stands for no limit. */
export const quotaSchema = v.object({
  quota: v.object({ router_route: v.optional(v.pipe(v.number(), v.integer())) }),
});

/** A port: an address or several on one network. */
export type Port = v.InferOutput<typeof portSchema>;
/** A port of another router. */
export type PeerPort = v.InferOutput<typeof peerPortSchema>;
/** A subnet of a network. */
export type Subnet = v.InferOutput<typeof subnetSchema>;
/** A router with its extra routes. */
export type Router = v.InferOutput<typeof routerSchema>;
/** A router's id and name, and the tag of `-route-table` that it was found by. */
export type RouterName = v.InferOutput<typeof routerNameSchema> & { readonly foundBy?: string };
/** One extra route: Neutron keeps pairs of destination and next hop, each text as it was sent. */
export type ExtraRoute = v.InferOutput<typeof routeSchema>;
