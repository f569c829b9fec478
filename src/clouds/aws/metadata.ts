/**
 * Who this VM is, from the instance metadata service, version 2 only: a token first, then everything with that token
 * (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html).
 */

import * as v from "valibot";
import { type IpAddress, parseAddress, parsePrefix, type Prefix } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";
import { call, kindOfStatus } from "../http.ts";
import { parseAnswer } from "../kit/answer.ts";
import type { Transport } from "../kit/transport.ts";
import { TransportError } from "../kit/transport_error.ts";

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

const ipv4Base = "http://169.254.169.254";
const ipv6Base = "http://[fd00:ec2::254]";
const rolePath = "iam/security-credentials/";
const tokenSeconds = 21_600;
/** The service is on the host itself; an answer takes milliseconds or does not come. */
const timeoutMs = 2_000;

/** Why a token may not arrive though the service is up; what doctor and errors say about it. */
export const hopLimitAdvice =
  "IMDSv2 answers are dropped after as many hops as the instance's HttpPutResponseHopLimit says: inside a container or a network " +
  "namespace raise it with `aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2`";

/** A token, and where it was given. */
interface Token {
  readonly text: string;
  readonly base: string;
  readonly expiresAt: number;
}

/** Reads instance metadata. One instance keeps its token until it expires. */
export class InstanceMetadata {
  readonly #transport: Transport;
  readonly #bases: readonly string[];
  readonly #now: () => number;
  #token: Token | null = null;

  /**
   * @param bases `http://169.254.169.254` or what stands for it, without a path; where the first does not answer the next is asked.
   * @param now monotonic clock in milliseconds.
   */
  constructor(transport: Transport, bases: string | readonly string[], now: () => number) {
    this.#transport = transport;
    this.#bases = [bases].flat().map((base) => base.replace(/\/+$/, ""));
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
      throw new CloudError("malformed", "Cannot identify this VM: its metadata lists no network interface");
    }
    return { ...document, primary, interfaces };
  }

  /** The name of the instance's role; null where it has none. */
  async role(signal: AbortSignal): Promise<string | null> {
    return lines(await this.#read(rolePath, signal))[0] ?? null;
  }

  /** The role's credentials in the service's own form; null where it has none (any more). */
  async roleCredentials(role: string, signal: AbortSignal): Promise<unknown> {
    return await this.#get(`meta-data/${rolePath}${role}`, signal);
  }

  async #document(signal: AbortSignal): Promise<v.InferOutput<typeof identityDocument>> {
    const body = await this.#get("dynamic/instance-identity/document", signal);
    return parseAnswer(identityDocument, body, "read the identity document of this VM");
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
    const token = await this.#freshToken(signal);
    return await call({
      transport: this.#transport,
      action: `read instance metadata ${path}`,
      url: `${token.base}/latest/${path}`,
      headers: { "x-aws-ec2-metadata-token": token.text },
      timeoutMs,
      direct: true,
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

  async #freshToken(signal: AbortSignal): Promise<Token> {
    const now = this.#now();
    if (this.#token !== null && now < this.#token.expiresAt) return this.#token;
    const { base, status, body } = await this.#askToken(signal);
    if (status !== 200) throw tokenRefused(status);
    // Renewed well before it ends, so that it cannot end on its way.
    return this.#token = { base, text: String(body), expiresAt: now + tokenSeconds * 900 };
  }

  /** Asks each address until one answers. */
  async #askToken(
    signal: AbortSignal,
  ): Promise<{ readonly base: string; readonly status: number; readonly body: unknown }> {
    const failures: CloudError[] = [];
    for (const base of this.#bases) {
      try {
        return { base, ...await this.#askTokenAt(base, signal) };
      } catch (error) {
        if (!(error instanceof CloudError)) throw error;
        failures.push(error);
      }
    }
    const [first] = failures;
    // Who is not reached, or refuses, has not sent the answer that was dropped.
    const isSilent = first?.cause instanceof TransportError && first.cause.timedOut;
    const message = `${first?.message}${isSilent ? `. ${hopLimitAdvice}` : ""}`;
    throw new CloudError("unavailable", message, { cause: first });
  }

  async #askTokenAt(
    base: string,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    return await call({
      transport: this.#transport,
      action: "get an instance metadata token",
      method: "PUT",
      url: `${base}/latest/api/token`,
      headers: { "x-aws-ec2-metadata-token-ttl-seconds": String(tokenSeconds) },
      timeoutMs,
      direct: true,
      signal,
    });
  }
}

/**
 * The base addresses of the metadata service, the first to be asked first: what the environment names, in the SDK's own words, else
 * IPv4's and, for subnets that have none, IPv6's.
 */
export function metadataBases(environment: (name: string) => string | undefined): readonly string[] {
  const named = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? "";
  if (named !== "") return [named];
  switch ((environment("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE") ?? "").toLowerCase()) {
    case "ipv4":
      return [ipv4Base];
    case "ipv6":
      return [ipv6Base];
    default:
      return [ipv4Base, ipv6Base];
  }
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
    throw new CloudError("malformed", "Cannot identify this VM: its metadata holds an invalid address", {
      cause,
    });
  }
}

function required(value: string, mac: string, name: string): string {
  if (value !== "") return value;
  throw new CloudError("malformed", `Cannot identify this VM: metadata of interface ${mac} has no ${name}`);
}
