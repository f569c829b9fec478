/** The VM's service account as credentials. */

// Not from the package's front door: that loads fourteen kinds of credentials, this file is the one kind a VM has.
import { Compute } from "google-auth-library/build/src/auth/computeclient.js";
import { CloudError } from "../cloud_error.ts";
import type { MetadataServer } from "./metadata.ts";

/** Says that a refresh is due: `Compute` sets the same. */
const nothingYet = { expiry_date: 1, refresh_token: "compute-placeholder" };

/**
 * Tokens of the VM's service account. The library keeps a token and renews it five minutes before it ends;
 * the token itself is read by our own {@linkcode MetadataServer}, since the library's reader probes BIOS
 * files and network interfaces, which takes permissions, and retries on its own, which is the reconciler's
 * business.
 */
export class MetadataCredentials extends Compute {
  readonly #metadata: MetadataServer;

  constructor(metadata: MetadataServer) {
    super();
    this.#metadata = metadata;
  }

  /** A token that is good for some minutes. */
  async token(): Promise<string> {
    const { token } = await this.getAccessToken();
    if (token === null || token === undefined || token === "") {
      throw new CloudError(
        "denied",
        "Cannot get a token of the VM's service account: the metadata server gave none",
      );
    }
    return token;
  }

  /** Forgets the token, because the API would not take it. */
  forget(): void {
    this.credentials = { ...nothingYet };
  }

  protected override async refreshTokenNoCache(): ReturnType<Compute["refreshTokenNoCache"]> {
    // Shared by all that wait for it, so no caller's signal may end it; the metadata server has its own short deadline.
    const { access_token, expires_in } = await this.#metadata.token(new AbortController().signal);
    return { tokens: { access_token, expiry_date: Date.now() + expires_in * 1000 }, res: null };
  }
}
