/** The variables of the clouds and of the system that the program reads, besides those of its flags. */

import { certificateVariables } from "../../../src/clouds/kit/certificates.ts";
import { proxyVariables } from "../../../src/clouds/kit/proxy_variables.ts";

type Row = readonly [names: readonly string[], cloud: string, meaning: string];

const rows: readonly Row[] = [
  [["AWS_REGION", "AWS_DEFAULT_REGION"], "AWS", "the region, in place of the instance's own"],
  [["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"], "AWS", "credentials"],
  [
    ["AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"],
    "AWS",
    "a profile, and the files that have it",
  ],
  [["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME"], "AWS", "a web identity (IRSA)"],
  [
    [
      "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
      "AWS_CONTAINER_CREDENTIALS_FULL_URI",
      "AWS_CONTAINER_AUTHORIZATION_TOKEN",
      "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ],
    "AWS",
    "the agents of ECS and of EKS Pod Identity",
  ],
  [
    ["AWS_ENDPOINT_URL", "AWS_EC2_METADATA_SERVICE_ENDPOINT"],
    "AWS",
    "other addresses of the API and of the metadata",
  ],
  [["AWS_CA_BUNDLE"], "AWS", "a file of authorities that are trusted besides the public ones"],
  [
    ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"],
    "Azure",
    "a service principal; the id alone picks one of several managed identities",
  ],
  [
    [
      "AZURE_CLIENT_CERTIFICATE_PATH",
      "AZURE_CLIENT_CERTIFICATE_PASSWORD",
      "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
    ],
    "Azure",
    "a service principal with a certificate",
  ],
  [["AZURE_FEDERATED_TOKEN_FILE"], "Azure", "a workload identity"],
  [["AZURE_AUTHORITY_HOST"], "Azure", "the login service of another Azure"],
  [
    ["AZURE_POD_IDENTITY_AUTHORITY_HOST"],
    "Azure",
    "what gives the tokens of a managed identity, in place of the metadata service",
  ],
  [
    ["AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP"],
    "Azure",
    "where the table is, in place of the VM's own",
  ],
  [["GCE_METADATA_HOST"], "Google Cloud", "another address of the metadata"],
  [
    ["OS_CLOUD", "OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE"],
    "OpenStack",
    "an entry of clouds.yaml, and the files",
  ],
  [["OS_AUTH_URL"], "OpenStack", "where to log in; with it the other `OS_*` of an openrc file count"],
  [["OS_REGION_NAME", "OS_CACERT"], "OpenStack", "one of several regions; a private authority"],
  [["OS_CERT", "OS_KEY"], "OpenStack", "a certificate that shows servers who calls, and its key"],
  [["HOME", "XDG_CONFIG_HOME"], "AWS, OpenStack", "where their files are, unless they are named"],
  [proxyVariables.filter((name) => name === name.toUpperCase()), "all", "proxies, in lower case too"],
  [certificateVariables, "all", "a file of authorities that are trusted besides the public ones"],
  [["STATE_DIRECTORY"], "all", "the state folder that systemd made"],
];

/** One row a group of variables. */
export function variableRows(): string[][] {
  return rows.map((
    [names, cloud, meaning],
  ) => [names.map((name) => `\`${name}\``).join(", "), cloud, meaning]);
}

/** The clouds' variables that stand in the sources as strings. */
export async function variablesOfSources(repository: URL): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const cloud of ["aws", "azure", "gcp", "openstack"]) {
    const folder = new URL(`src/clouds/${cloud}/`, repository);
    for await (const { name } of Deno.readDir(folder)) {
      const text = await Deno.readTextFile(new URL(name, folder));
      for (const [, variable = ""] of text.matchAll(/"((?:AWS|AZURE|GCE|OS)_[A-Z_]+[A-Z])"/g)) {
        found.add(variable);
      }
    }
  }
  return [...found].sort();
}
