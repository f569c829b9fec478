/**
 * What is read of Azure's resources. Every object is loose: properties that are not named here stay in it, so that a
 * resource can be written back to the letter.
 */

import * as v from "valibot";

const referenceSchema = v.looseObject({ id: v.string() });

/** A route of a route table. */
export const routeSchema = v.looseObject({
  name: v.string(),
  properties: v.looseObject({
    addressPrefix: v.optional(v.nullable(v.string())),
    nextHopType: v.string(),
    nextHopIpAddress: v.optional(v.nullable(v.string())),
    nextHop: v.optional(
      v.nullable(v.looseObject({ nextHopIpAddresses: v.optional(v.array(v.string()), []) })),
    ),
    provisioningState: v.optional(v.nullable(v.string())),
  }),
});

/** `Microsoft.Network/routeTables`. */
export const routeTableSchema = v.looseObject({
  id: v.string(),
  name: v.string(),
  location: v.string(),
  etag: v.string(),
  tags: v.optional(v.nullable(v.record(v.string(), v.string()))),
  properties: v.looseObject({
    provisioningState: v.optional(v.nullable(v.string())),
    routes: v.optional(v.array(routeSchema), []),
    subnets: v.optional(v.nullable(v.array(referenceSchema))),
  }),
});

/** `Microsoft.Network/virtualNetworks/subnets`. */
export const subnetSchema = v.looseObject({
  id: v.string(),
  name: v.string(),
  etag: v.string(),
  properties: v.looseObject({
    provisioningState: v.optional(v.nullable(v.string())),
    addressPrefix: v.optional(v.nullable(v.string())),
    addressPrefixes: v.optional(v.nullable(v.array(v.string()))),
    routeTable: v.optional(v.nullable(referenceSchema)),
    ipConfigurations: v.optional(v.nullable(v.array(referenceSchema))),
  }),
});

const addressSpaceSchema = v.looseObject({ addressPrefixes: v.array(v.string()) });

/** One of a virtual network's peerings. */
export const peeringSchema = v.looseObject({
  properties: v.looseObject({
    peeringState: v.optional(v.nullable(v.string())),
    /** What of the remote network is peered: all of it as it was at the last synchronisation, or chosen subnets. */
    remoteAddressSpace: v.optional(v.nullable(addressSpaceSchema)),
  }),
});

/** `Microsoft.Network/virtualNetworks`. */
export const networkSchema = v.looseObject({
  id: v.string(),
  location: v.string(),
  properties: v.looseObject({
    addressSpace: addressSpaceSchema,
    /** Odd ones are passed over by `peeredPrefixes`. */
    virtualNetworkPeerings: v.optional(v.nullable(v.array(v.unknown()))),
    /** Whole, as a subnet is when it is read by itself; one that makes no sense is passed over by `subnetsIn`. */
    subnets: v.optional(v.nullable(v.array(
      v.looseObject({ properties: v.looseObject({ routeTable: v.optional(v.nullable(referenceSchema)) }) }),
    ))),
  }),
});

const ipConfigurationSchema = v.looseObject({
  properties: v.looseObject({
    primary: v.optional(v.nullable(v.boolean())),
    /** "Single IP address or a CIDR block". */
    privateIPAddress: v.optional(v.nullable(v.string())),
    subnet: v.optional(v.nullable(referenceSchema)),
  }),
});

/** `Microsoft.Network/networkInterfaces`, also those of a scale set. */
export const interfaceSchema = v.looseObject({
  id: v.string(),
  name: v.string(),
  etag: v.optional(v.nullable(v.string())),
  properties: v.looseObject({
    macAddress: v.optional(v.nullable(v.string())),
    primary: v.optional(v.nullable(v.boolean())),
    enableIPForwarding: v.optional(v.nullable(v.boolean())),
    virtualMachine: v.optional(v.nullable(referenceSchema)),
    ipConfigurations: v.optional(v.array(ipConfigurationSchema), []),
  }),
});

/** How a VM stands (`Microsoft.Compute/virtualMachines/instanceView`): codes such as `PowerState/running`. */
export const instanceViewSchema = v.looseObject({
  statuses: v.array(v.looseObject({ code: v.string() })),
});

/** A page of a list. */
export const pageSchema = v.looseObject({
  value: v.array(v.unknown()),
  nextLink: v.optional(v.nullable(v.string())),
});

/** One entry of `Microsoft.Network/locations/usages`. */
export const usageSchema = v.looseObject({
  name: v.looseObject({ value: v.string() }),
  limit: v.number(),
});

export type ArmRoute = v.InferOutput<typeof routeSchema>;
export type ArmRouteTable = v.InferOutput<typeof routeTableSchema>;
export type ArmSubnet = v.InferOutput<typeof subnetSchema>;
export type ArmNetwork = v.InferOutput<typeof networkSchema>;
export type ArmInterface = v.InferOutput<typeof interfaceSchema>;

/** Whether Azure's last change of a resource failed: what it shows may not be in force until it is written again. */
export function hasFailed(
  { properties }: { readonly properties: { readonly provisioningState?: string | null | undefined } },
): boolean {
  return properties.provisioningState === "Failed";
}
