/**
 * What is read of Azure's resources. Every object is loose: properties that are not named here stay in it, so that a
 * resource can be written back to the letter.
 */

import * as v from "valibot";
import { parseAddress } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";

/** Text that is an IP address. */
export const addressSchema = v.pipe(
  v.string(),
  v.check((text) => {
    try {
      parseAddress(text);
      return true;
    } catch {
      return false;
    }
  }, "is not an IP address"),
);

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
    addressPrefix: v.optional(v.nullable(v.string())),
    addressPrefixes: v.optional(v.nullable(v.array(v.string()))),
    routeTable: v.optional(v.nullable(referenceSchema)),
    ipConfigurations: v.optional(v.nullable(v.array(referenceSchema))),
  }),
});

/** `Microsoft.Network/virtualNetworks`. */
export const networkSchema = v.looseObject({
  id: v.string(),
  location: v.string(),
  properties: v.looseObject({
    addressSpace: v.looseObject({ addressPrefixes: v.array(v.string()) }),
    subnets: v.optional(v.nullable(v.array(
      v.looseObject({ properties: v.looseObject({ routeTable: v.optional(v.nullable(referenceSchema)) }) }),
    ))),
  }),
});

const ipConfigurationSchema = v.looseObject({
  properties: v.looseObject({
    primary: v.optional(v.nullable(v.boolean())),
    privateIPAddress: v.optional(v.nullable(addressSchema)),
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
    privateEndpoint: v.optional(v.nullable(referenceSchema)),
    ipConfigurations: v.optional(v.array(ipConfigurationSchema), []),
  }),
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

/**
 * Parses an answer.
 *
 * @param action what was tried, fitting after "Cannot".
 * @throws {CloudError} of kind `invalid` that names the first things that are wrong.
 */
export function parseAnswer<Schema extends v.GenericSchema>(
  schema: Schema,
  body: unknown,
  action: string,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, body);
  if (parsed.success) return parsed.output;
  const issues = v.summarize([...parsed.issues.slice(0, 3)] as typeof parsed.issues); // a slice of a non-empty list from its start
  throw new CloudError("invalid", `Cannot ${action}: the answer makes no sense: ${issues}`);
}
