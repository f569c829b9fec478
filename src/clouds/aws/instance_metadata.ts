/**
 * Who this VM is, from the instance metadata service, version 2 only: a token first, then everything with that token
 * (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html).
 */

import * as v from "valibot";
import { type IpAddress, parseAddress, parsePrefix, type Prefix } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";
import { call, kindOfStatus } from "../http.ts";

/** One network interface of this VM. */
export interface InstanceInterface {
  /** `eni-…`. */
  readonly id: string;
  readonly subnetId: string;
  readonly vpcId: string;
  /** 0 is the primary one. */
  readonly deviceNumber: number;
  /** Primary and secondary, IPv4 and IPv6. */
  readonly addresses: readonly IpAddress[];
  readonly subnets: readonly Prefix[];
  /** All address blocks of the VPC. */
  readonly networks: readonly Prefix[];
}

/** What the metadata service says of this VM. */
export interface InstanceFacts {
  readonly instanceId: string;
  readonly region: string;
  readonly accountId: string;
  readonly primary: InstanceInterface;
  /** The primary one first. */
  readonly interfaces: readonly InstanceInterface[];
}

const identityDocument = v.object({ instanceId: v.string(), region: v.string(), accountId: v.string() });

const tokenSeconds = 21_600;
/** The service is on the host itself; an answer takes milliseconds or does not come. */
const timeoutMs = 2_000;

/** Why a token may not arrive though the service is up; what doctor and errors say about it. */
export const hopLimitAdvice =
  "IMDSv2 answers are dropped after as many hops as the instance's HttpPutResponseHopLimit says: inside a container or a network " +
  "namespace raise it with `aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2`";

/** Reads instance metadata. One instance keeps its token until it expires. */
export class InstanceMetadata {
  readonly #base: string;
  readonly #now: () => number;
  #token: { readonly text: string; readonly expiresAt: number } | null = null;

  /**
   * @param base `http://169.254.169.254` or what stands for it, without a path.
   * @param now monotonic clock in milliseconds.
   */
  constructor(base: string, now: () => number) {
    this.#base = base.replace(/\/+$/, "");
    this.#now = now;
  }

  /** Reads all that identifies this VM. @throws {CloudError} `unavailable` if the service is not there. */
  async facts(signal: AbortSignal): Promise<InstanceFacts> {
    const document = await this.#document(signal);
    const macs = lines(await this.#read("network/interfaces/macs/", signal)).map((mac) =>
      mac.replace(/\/$/, "")
    );
    const interfaces = await Promise.all(macs.map((mac) => this.#interface(mac, signal)));
    interfaces.sort((left, right) => left.deviceNumber - right.deviceNumber);
    const primary = interfaces[0];
    if (primary === undefined) {
      throw new CloudError("invalid", "Cannot identify this VM: its metadata lists no network interface");
    }
    return { ...document, primary, interfaces };
  }

  async #document(signal: AbortSignal): Promise<v.InferOutput<typeof identityDocument>> {
    const body = await this.#get("dynamic/instance-identity/document", signal);
    const parsed = v.safeParse(identityDocument, body);
    if (parsed.success) return parsed.output;
    throw new CloudError(
      "invalid",
      `Cannot identify this VM: its identity document makes no sense: ${v.summarize(parsed.issues)}`,
    );
  }

  async #interface(mac: string, signal: AbortSignal): Promise<InstanceInterface> {
    const read = (name: string): Promise<string> =>
      this.#read(`network/interfaces/macs/${mac}/${name}`, signal);
    const [id, subnetId, vpcId, device, v4, v6, subnet4, subnet6, vpc4, vpc6] = await Promise.all([
      read("interface-id"),
      read("subnet-id"),
      read("vpc-id"),
      read("device-number"),
      read("local-ipv4s"),
      read("ipv6s"),
      read("subnet-ipv4-cidr-block"),
      read("subnet-ipv6-cidr-blocks"),
      read("vpc-ipv4-cidr-blocks"),
      read("vpc-ipv6-cidr-blocks"),
    ]);
    return {
      id: required(id, mac, "interface-id"),
      subnetId: required(subnetId, mac, "subnet-id"),
      vpcId: required(vpcId, mac, "vpc-id"),
      deviceNumber: Number(device),
      addresses: parseLines(`${v4}\n${v6}`, parseAddress),
      subnets: parseLines(`${subnet4}\n${subnet6}`, parsePrefix),
      networks: parseLines(`${vpc4}\n${vpc6}`, parsePrefix),
    };
  }

  /** The text of a category; empty where the VM has none of the kind (404: no IPv6, for one). */
  async #read(path: string, signal: AbortSignal): Promise<string> {
    const body = await this.#get(`meta-data/${path}`, signal);
    // A body that happens to be JSON, such as a lone number, was parsed on the way.
    return body === null ? "" : typeof body === "string" ? body : JSON.stringify(body);
  }

  async #get(path: string, signal: AbortSignal): Promise<unknown> {
    const first = await this.#request(path, signal);
    if (first.status !== 401) return this.#accept(path, first);
    // 401: the token is of another boot, or has expired early. One new token is no retry of a failed call.
    this.#token = null;
    return this.#accept(path, await this.#request(path, signal));
  }

  async #request(
    path: string,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    return await call({
      action: `read instance metadata ${path}`,
      url: `${this.#base}/latest/${path}`,
      headers: { "x-aws-ec2-metadata-token": await this.#freshToken(signal) },
      timeoutMs,
      signal,
    });
  }

  #accept(path: string, answer: { readonly status: number; readonly body: unknown }): unknown {
    if (answer.status === 404) return null;
    if (answer.status === 200) return answer.body;
    const details = { status: answer.status };
    throw new CloudError(
      kindOfStatus(answer.status),
      `Cannot read instance metadata ${path}: status ${answer.status}`,
      details,
    );
  }

  async #freshToken(signal: AbortSignal): Promise<string> {
    const now = this.#now();
    if (this.#token !== null && now < this.#token.expiresAt) return this.#token.text;
    const { status, body } = await this.#askToken(signal);
    if (status !== 200) throw tokenRefused(status);
    const text = String(body);
    // Renewed well before it ends, so that it cannot end on its way.
    this.#token = { text, expiresAt: now + tokenSeconds * 900 };
    return text;
  }

  async #askToken(signal: AbortSignal): Promise<{ readonly status: number; readonly body: unknown }> {
    try {
      return await call({
        action: "get an instance metadata token",
        method: "PUT",
        url: `${this.#base}/latest/api/token`,
        headers: { "x-aws-ec2-metadata-token-ttl-seconds": String(tokenSeconds) },
        timeoutMs,
        signal,
      });
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      throw new CloudError("unavailable", `${error.message}. ${hopLimitAdvice}`, { cause: error });
    }
  }
}

/** The base address of the metadata service that the environment names, in the SDK's own words. */
export function metadataBase(environment: (name: string) => string | undefined): string {
  const named = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (named !== undefined && named !== "") return named;
  return environment("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE") === "IPv6"
    ? "http://[fd00:ec2::254]"
    : "http://169.254.169.254";
}

function tokenRefused(status: number): CloudError {
  const message = status === 403
    ? "Cannot get an instance metadata token: the metadata service is switched off for this instance (HttpEndpoint disabled)"
    : `Cannot get an instance metadata token: status ${status}`;
  return new CloudError(status === 403 ? "denied" : kindOfStatus(status), message, { status });
}

function lines(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

function parseLines<T>(text: string, parse: (line: string) => T): T[] {
  try {
    return lines(text).map(parse);
  } catch (cause) {
    throw new CloudError("invalid", "Cannot identify this VM: its metadata holds an address that is none", {
      cause,
    });
  }
}

function required(value: string, mac: string, name: string): string {
  if (value !== "") return value;
  throw new CloudError("invalid", `Cannot identify this VM: metadata of interface ${mac} has no ${name}`);
}
