/** Which addresses belong to the VM's own host, so that no proxy may ever stand between. */

/** Names that the clouds give to their metadata service. */
const metadataNames: ReadonlySet<string> = new Set(["metadata.google.internal", "metadata.goog", "metadata"]);

/**
 * The ranges in which the clouds keep the services of a VM's own host: instance metadata (169.254.169.254, `fd00:ec2::254`,
 * `fd20:ce::254`, `fe80::a9fe:a9fe`), the credentials of ECS tasks (169.254.170.2) and of EKS pods (169.254.170.23,
 * `fd00:ec2::23`). As the URL standard writes hosts: lower case, IPv6 compressed and in brackets.
 */
const metadataRanges = /^(169\.254\.[0-9]+\.[0-9]+|\[fd00:ec2:.*\]|\[fd20:ce:.*\]|\[fe[89ab][0-9a-f]:.*\])$/;

/**
 * Whether a URL names a metadata service by an address that is the same on every VM. What a setting puts in its place (a test's
 * server, an agent on loopback) only its caller can know.
 */
export function isMetadataAddress(url: URL): boolean {
  const host = url.hostname.replace(/\.$/, "");
  return metadataNames.has(host) || metadataRanges.test(host);
}
