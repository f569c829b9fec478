/**
 * What Nova says of this VM (`/openstack/latest/`, Nova's "Metadata" documentation): by its metadata service at 169.254.169.254, by the same
 * at `fe80::a9fe:a9fe` on one of the VM's links (Neutron 17 and newer; networks of IPv6 alone have no other), or by the config drive where
 * that is mounted and no service answers.
 */

import * as v from "valibot";
import { CloudError } from "../cloud_error.ts";
import { call, kindOfStatus } from "../http.ts";
import { parseAnswer } from "../kit/answer.ts";
import type { Transport } from "../kit/transport.ts";

const metaSchema = v.object({
  uuid: v.string(),
  name: v.optional(v.string()),
});

/** `vif_id` is the Neutron port; Nova leaves it out for links that Neutron does not know. */
const networkSchema = v.object({
  links: v.array(v.object({ vif_id: v.optional(v.nullable(v.string())) })),
});

/** This VM as the metadata service describes it. */
export interface Metadata {
  /** Name and id of the server. */
  readonly instance: string;
  /** Ids of its Neutron ports, in the order in which they were given to the server (`get_network_metadata` of Nova's `virt/netutils.py`). */
  readonly portIds: readonly string[];
}

/** Where the metadata service is, and the way there. */
export interface MetadataService {
  readonly transport: Transport;
  /** Where it is said to be (`-imds-endpoint`), such as `http://127.0.0.1:8775`; null: at its own addresses. */
  readonly endpoint: string | null;
  /** Devices with a link-local IPv6 address, those that the kernel had first before the others. */
  readonly devices: () => readonly string[];
  /** The text of a file of a config drive, or null if there is none. */
  readonly readFile: (path: string) => string | null;
}

/** Where people and images mount the config drive, whose label is `config-2` (cloud-init, Ignition, the documentation of Nova). */
const configDrives = ["/mnt/config", "/mnt/config-2", "/config-2", "/media/configdrive", "/run/config-2"];

/** The metadata service answers from the hypervisor; one that takes longer is not there. */
const timeoutMs = 5_000;
/** On a link without it nobody answers the neighbour solicitation either, and the next link is to be asked. */
const linkTimeoutMs = 2_000;

const ipv4Place: Place = { url: "http://169.254.169.254", device: undefined, timeoutMs };
const linkLocalUrl = "http://[fe80::a9fe:a9fe]";

/** Where a metadata service may be. */
interface Place {
  readonly url: string;
  readonly device: string | undefined;
  readonly timeoutMs: number;
}

/**
 * Reads the metadata.
 *
 * @throws {CloudError} `unavailable` if the service is not there and no config drive is mounted, `malformed` if what is there cannot be
 * understood or names no port.
 */
export async function readMetadata(service: MetadataService, signal: AbortSignal): Promise<Metadata> {
  const { endpoint } = service;
  const [first, ...others] = endpoint === null
    ? [
      ipv4Place,
      ...service.devices().map((device) => ({ url: linkLocalUrl, device, timeoutMs: linkTimeoutMs })),
    ]
    : [{ url: endpoint.replace(/\/+$/, ""), device: undefined, timeoutMs }];
  try {
    return await readService(service, first, signal);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return await readLinks(service, others, signal) ?? readConfigDrive(service) ?? fail(error);
  }
}

/** Whether the error leaves open that another place has the metadata. */
function isAbsent(error: unknown): error is CloudError {
  return error instanceof CloudError && error.kind !== "malformed";
}

async function readService(service: MetadataService, place: Place, signal: AbortSignal): Promise<Metadata> {
  const base = `${place.url}/openstack/latest`;
  const read = (name: string): Promise<unknown> => readDocument(service, place, `${base}/${name}`, signal);
  return metadataOf(base, await read("meta_data.json"), await read("network_data.json"));
}

/** Asks one link after the other. @returns null if it is on none of them. */
async function readLinks(
  service: MetadataService,
  places: readonly Place[],
  signal: AbortSignal,
): Promise<Metadata | null> {
  for (const place of places) {
    try {
      return await readService(service, place, signal);
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }
  return null;
}

/** @returns null if no config drive is mounted. */
function readConfigDrive({ readFile }: MetadataService): Metadata | null {
  for (const drive of configDrives) {
    const base = `${drive}/openstack/latest`;
    const meta = readFile(`${base}/meta_data.json`);
    const network = readFile(`${base}/network_data.json`);
    if (meta !== null && network !== null) return metadataOf(base, jsonOf(meta), jsonOf(network));
  }
  return null;
}

function fail(error: CloudError): never {
  const { kind, message, status, cause } = error;
  const drive = `no config drive is mounted either (mount -o ro /dev/disk/by-label/config-2 ${
    configDrives[0]
  })`;
  throw new CloudError(kind, `${message}; ${drive}`, { status, cause });
}

function metadataOf(base: string, metaDocument: unknown, networkDocument: unknown): Metadata {
  const meta = parseAnswer(metaSchema, metaDocument, `read ${base}/meta_data.json`);
  const network = parseAnswer(networkSchema, networkDocument, `read ${base}/network_data.json`);
  const portIds = network.links.flatMap(({ vif_id: id }) => id === undefined || id === null ? [] : [id]);
  if (portIds.length === 0) {
    throw new CloudError(
      "malformed",
      `Cannot find out which port this VM has: ${base}/network_data.json names none`,
    );
  }
  return { instance: meta.name === undefined ? meta.uuid : `${meta.name} (${meta.uuid})`, portIds };
}

async function readDocument(
  { transport }: MetadataService,
  { device, timeoutMs }: Place,
  url: string,
  signal: AbortSignal,
): Promise<unknown> {
  const action = "ask the metadata service who this VM is";
  const answer = await call({ transport, action, url, timeoutMs, direct: true, device, signal });
  if (answer.status === 200) return answer.body;
  throw new CloudError(kindOfStatus(answer.status), `Cannot read ${url}: it answered ${answer.status}`, {
    status: answer.status,
  });
}

/** Text that is no JSON stays text, which no schema takes. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
