/** Where the API and the login service of each Azure cloud are (the national clouds have their own). */

import { ConfigurationError } from "../cloud_error.ts";

/** One of Azure's separate clouds. */
export interface AzureEnvironment {
  /** Base URL of Azure Resource Manager. */
  readonly resourceManager: string;
  /** Whom a token is meant for; stays the cloud's own even where `resourceManager` is overridden. */
  readonly audience: string;
  /** Login service for service principals. */
  readonly authority: string;
}

const environments: Readonly<Record<string, AzureEnvironment>> = {
  azurepubliccloud: {
    resourceManager: "https://management.azure.com",
    audience: "https://management.azure.com",
    authority: "https://login.microsoftonline.com",
  },
  azureusgovernment: {
    resourceManager: "https://management.usgovcloudapi.net",
    audience: "https://management.usgovcloudapi.net",
    authority: "https://login.microsoftonline.us",
  },
  azurechinacloud: {
    resourceManager: "https://management.chinacloudapi.cn",
    audience: "https://management.chinacloudapi.cn",
    authority: "https://login.chinacloudapi.cn",
  },
};

/** How metadata calls the Government cloud on some hosts. */
const otherNames: Readonly<Record<string, string>> = {
  azureusgovernmentcloud: "azureusgovernment",
  azurecloud: "azurepubliccloud",
};

/**
 * Finds the cloud that metadata's `azEnvironment` names; its spelling differs in case between hosts.
 *
 * @param endpoint `-azure-endpoint`: replaces the API's base URL, and allows an environment that is not known here
 * (Azure Stack), whose audience is then the endpoint itself.
 * @throws {ConfigurationError} if the environment is unknown and no endpoint is given.
 */
export function azureEnvironment(name: string, endpoint: string | null): AzureEnvironment {
  const key = name.toLowerCase();
  const known = environments[otherNames[key] ?? key];
  if (endpoint === null) {
    if (known !== undefined) return known;
    throw new ConfigurationError(
      `Cannot tell where the API of Azure environment "${name}" is: give it with -azure-endpoint`,
    );
  }
  const resourceManager = withoutTrailingSlash(endpoint);
  if (known !== undefined) return { ...known, resourceManager };
  return { resourceManager, audience: resourceManager, authority: "https://login.microsoftonline.com" };
}

/**
 * Refuses an endpoint to which the SDK would not send a token.
 *
 * @throws {ConfigurationError}
 */
export function checkEndpoint(endpoint: string | null): void {
  if (endpoint === null || (URL.canParse(endpoint) && new URL(endpoint).protocol === "https:")) return;
  throw new ConfigurationError(
    `Cannot use Azure endpoint "${endpoint}": a token is only ever sent over https`,
  );
}

function withoutTrailingSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
