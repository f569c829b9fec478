/** How this program's clients of the AWS SDK are made. */

import type { EC2ClientConfig } from "@aws-sdk/client-ec2";
import { getLogger } from "@logtape/logtape";
import type { Transport } from "../kit/transport.ts";
import type { SharedLogin } from "../kit/shared_login.ts";
import type { AwsCredentials } from "./credentials.ts";
import { sdkRequestHandler } from "./sdk_request_handler.ts";

const log = getLogger(["cloudroutesync", "aws"]);

/** How a service is reached. */
export interface AwsEndpoint {
  readonly transport: Transport;
  readonly region: string;
  /** One for all clients of a region. */
  readonly credentials: SharedLogin<AwsCredentials>;
  /** In place of the region's public endpoint (`AWS_ENDPOINT_URL_EC2`, `AWS_ENDPOINT_URL`). */
  readonly endpoint: string | undefined;
  /** Deadline of one call in milliseconds. */
  readonly timeoutMs: number;
}

/** Settings that all clients share, those for credentials too. */
export type SharedConfig = Pick<
  EC2ClientConfig,
  "region" | "maxAttempts" | "requestHandler" | "logger" | "defaultUserAgentProvider" | "defaultsMode"
>;

/** The settings of a service's client. */
export function clientConfig(connection: AwsEndpoint): EC2ClientConfig {
  const { transport, region, credentials, endpoint, timeoutMs } = connection;
  return {
    ...sharedConfig(transport, region, timeoutMs),
    credentials: () => credentials.get(),
    ...(endpoint === undefined ? {} : { endpoint }),
  };
}

/** The settings of a client, but for its credentials. */
export function sharedConfig(transport: Transport, region: string, timeoutMs: number): SharedConfig {
  return {
    region,
    // When to try again is the reconciler's business.
    maxAttempts: 1,
    requestHandler: sdkRequestHandler(transport, timeoutMs),
    logger: sdkLogger,
    defaultsMode: "standard",
    // The SDK's own would ask the operating system for its release, which takes a permission that nothing else needs.
    defaultUserAgentProvider: () => Promise.resolve([["cloudroutesync"]]),
  };
}

/**
 * What the SDK warns of goes to the log. The rest is every call with its parameters, and every failed call as an error, which this
 * program tells in better words.
 */
export const sdkLogger: NonNullable<EC2ClientConfig["logger"]> = {
  debug: () => {},
  info: () => {},
  warn: (...words) => log.warn("The AWS SDK says: {words}", { event: "dependency", words: inOneLine(words) }),
  error: () => {},
};

function inOneLine(words: readonly unknown[]): string {
  const texts = words.filter((word) => typeof word === "string" || word instanceof Error).map(String);
  return texts.join(" ").replace(/\s+/g, " ").trim();
}
