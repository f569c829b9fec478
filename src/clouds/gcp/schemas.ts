/** The parts of Google's answers that are used, validated where they come in (compute v1, discovery revision 20261106). */

import * as v from "valibot";

const text = v.string();
const optionalText = v.optional(text);

/** An error of the API itself. */
export const errorAnswer = v.object({
  error: v.object({
    message: v.optional(text, ""),
    status: optionalText,
    errors: v.optional(v.array(v.object({ reason: optionalText })), []),
    details: v.optional(
      v.array(v.object({
        reason: optionalText,
        metadata: v.optional(v.object({ service: optionalText, consumer: optionalText })),
      })),
      [],
    ),
  }),
});

/** An operation; `error` is set where it ended badly, `warnings` where it ended well but suspiciously. */
export const operationAnswer = v.object({
  name: text,
  status: v.picklist(["PENDING", "RUNNING", "DONE"]),
  targetLink: optionalText,
  httpErrorStatusCode: v.optional(v.number()),
  error: v.optional(v.object({
    errors: v.optional(
      v.array(v.object({
        code: v.optional(text, "UNKNOWN"),
        message: v.optional(text, ""),
        errorDetails: v.optional(
          v.array(v.object({
            quotaInfo: v.optional(v.object({ metricName: optionalText, limit: v.optional(v.number()) })),
          })),
          [],
        ),
      })),
      [],
    ),
  })),
  warnings: v.optional(
    v.array(v.object({ code: v.optional(text, "UNKNOWN"), message: v.optional(text, "") })),
    [],
  ),
});
export type Operation = v.InferOutput<typeof operationAnswer>;

/** A route of any kind: static, of a subnet, from a peered network, learned. */
export const routeAnswer = v.object({
  name: text,
  description: optionalText,
  network: text,
  destRange: text,
  priority: v.optional(v.number(), 0),
  tags: v.optional(v.array(text), []),
  nextHopInstance: optionalText,
  nextHopIp: optionalText,
  nextHopIlb: optionalText,
  nextHopGateway: optionalText,
  nextHopNetwork: optionalText,
  nextHopPeering: optionalText,
  nextHopVpnTunnel: optionalText,
  nextHopHub: optionalText,
  nextHopInterconnectAttachment: optionalText,
  warnings: v.optional(v.array(v.object({ code: optionalText })), []),
});
export type RouteAnswer = v.InferOutput<typeof routeAnswer>;

/** What to ask for of a route (`fields`): half of an answer is of no use here. */
export const routeFields = Object.keys(routeAnswer.entries).join(",");

const interfaceAnswer = v.object({
  network: text,
  subnetwork: optionalText,
  networkIP: optionalText,
  ipv6Address: optionalText,
  ipv6AccessConfigs: v.optional(v.array(v.object({ externalIpv6: optionalText })), []),
});
export const interfaceFields = "network,subnetwork,networkIP,ipv6Address,ipv6AccessConfigs/externalIpv6";

export const instanceAnswer = v.object({
  name: text,
  selfLink: text,
  zone: text,
  canIpForward: v.optional(v.boolean(), false),
  networkInterfaces: v.array(interfaceAnswer),
});
export const forwardingAnswer = v.pick(instanceAnswer, ["canIpForward"]);
export type InstanceAnswer = v.InferOutput<typeof instanceAnswer>;

/** An instance of another router: whether it runs. */
export const peerInstance = v.object({
  name: text,
  status: text,
  networkInterfaces: v.optional(v.array(interfaceAnswer), []),
});
export type PeerInstance = v.InferOutput<typeof peerInstance>;
export const peerInstanceFields = `name,status,networkInterfaces(${interfaceFields})`;

export const subnetworkAnswer = v.object({
  name: text,
  selfLink: optionalText,
  network: text,
  ipCidrRange: optionalText,
  gatewayAddress: optionalText,
  ipv6CidrRange: optionalText,
  internalIpv6Prefix: optionalText,
  externalIpv6Prefix: optionalText,
  secondaryIpRanges: v.optional(v.array(v.object({ ipCidrRange: text })), []),
});
export type SubnetworkAnswer = v.InferOutput<typeof subnetworkAnswer>;
export const subnetworkFields =
  "name,selfLink,network,ipCidrRange,gatewayAddress,ipv6CidrRange,internalIpv6Prefix,externalIpv6Prefix,secondaryIpRanges/ipCidrRange";

/** A network: whether its subnets are made by Google, and its peerings. */
export const networkAnswer = v.object({
  autoCreateSubnetworks: v.optional(v.boolean(), false),
  peerings: v.optional(v.array(v.object({ name: text, state: optionalText })), []),
});
export const networkFields = "autoCreateSubnetworks,peerings(name,state)";

/** A forwarding rule. */
export const forwardingRuleAnswer = v.object({
  name: text,
  IPAddress: text,
  network: optionalText,
  IPProtocol: optionalText,
  loadBalancingScheme: optionalText,
  allowGlobalAccess: v.optional(v.boolean(), false),
});
export type ForwardingRuleAnswer = v.InferOutput<typeof forwardingRuleAnswer>;
export const forwardingRuleFields = Object.keys(forwardingRuleAnswer.entries).join(",");

/** One page of the routes that a peer exports. */
export const peeringRoutePage = v.object({
  items: v.optional(
    v.array(v.object({ destRange: text, type: optionalText, imported: v.optional(v.boolean(), false) })),
    [],
  ),
  nextPageToken: optionalText,
});
export type PeeringRoute = v.InferOutput<typeof peeringRoutePage>["items"][number];

/** One page of a list. */
export const routePage = v.object({
  items: v.optional(v.array(routeAnswer), []),
  nextPageToken: optionalText,
});

const scopeWarning = v.optional(v.object({ code: optionalText }));

/** One page of an aggregated list: by region; a scope that could not be reached carries a warning. */
export const subnetworkPage = v.object({
  items: v.optional(
    v.record(
      text,
      v.object({ subnetworks: v.optional(v.array(subnetworkAnswer), []), warning: scopeWarning }),
    ),
    {},
  ),
  nextPageToken: optionalText,
});

/** One page of an aggregated list of instances, by zone. */
export const instancePage = v.object({
  items: v.optional(
    v.record(text, v.object({ instances: v.optional(v.array(peerInstance), []) })),
    {},
  ),
  nextPageToken: optionalText,
});

export const permissionsAnswer = v.object({ permissions: v.optional(v.array(text), []) });

/** The metadata server's view of the network interfaces: what the API does not tell of them. */
export const metadataInterfaces = v.array(v.object({ gatewayIpv6: optionalText }));

/** The metadata server's token. `expires_in` is in seconds. */
export const tokenAnswer = v.object({ access_token: text, expires_in: v.number() });
