/**
 * The credentials of an ECS task or an EKS pod, from the agent on its host
 * (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
 */

import { CloudError } from "../cloud_error.ts";
import { call, kindOfStatus } from "../http.ts";
import type { AwsCredentials, CredentialSources } from "./credentials.ts";
import { CredentialsError } from "./credentials_error.ts";
import { readIssued } from "./issued_credentials.ts";
import { readTokenFile } from "./token_file.ts";

/** Where relative URIs are served. */
const taskAgent = "http://169.254.170.2";
/** Over plain http the token goes to loopback and to these alone: ECS, and EKS Pod Identity by IPv4 and IPv6. */
const plainHosts =
  /^(169\.254\.170\.2|169\.254\.170\.23|\[fd00:ec2::23\]|localhost|127(\.[0-9]+){3}|\[::1\])$/;
const timeoutMs = 2_000;
const never = new AbortController().signal;

/**
 * Asks the agent.
 *
 * @returns null where the environment names none.
 * @throws {CredentialsError}
 */
export async function containerCredentials(sources: CredentialSources): Promise<AwsCredentials | null> {
  const url = agentUrl(sources);
  if (url === null) return null;
  const token = await authorizationToken(sources);
  try {
    const answer = await call({
      transport: sources.transport,
      action: "get credentials from the container's agent",
      url,
      headers: token === "" ? {} : { authorization: token },
      timeoutMs,
      direct: url.protocol === "http:",
      signal: never,
    });
    if (answer.status === 200) return readIssued(answer.body, url.origin);
    throw new CredentialsError(
      kindOfStatus(answer.status),
      `${url.origin} gives none: it answered ${answer.status}`,
    );
  } catch (cause) {
    if (!(cause instanceof CloudError)) throw cause;
    throw new CredentialsError(cause.kind, `no credentials: ${cause.message}`, { cause });
  }
}

function agentUrl({ environment }: CredentialSources): URL | null {
  const relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") ?? "";
  if (relative !== "") return new URL(relative, taskAgent);
  const full = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI") ?? "";
  if (full === "") return null;
  const url = URL.parse(full);
  if (url?.protocol === "https:" || (url?.protocol === "http:" && plainHosts.test(url.hostname))) return url;
  throw new CredentialsError(
    "invalid",
    `AWS_CONTAINER_CREDENTIALS_FULL_URI is "${full}": it must be https, or http to loopback or an agent of ECS or EKS`,
  );
}

async function authorizationToken({ environment }: CredentialSources): Promise<string> {
  const path = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") ?? "";
  if (path === "") return (environment("AWS_CONTAINER_AUTHORIZATION_TOKEN") ?? "").trim();
  return await readTokenFile(path, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
}
