/** The SDK's HTTP client for tokens, which remembers the last answer: the library passes on neither Retry-After nor the whole reason. */

import { TransportError } from "../kit/transport_error.ts";
import type { SdkHttpClient } from "./sdk_http_client.ts";
import type { TokenOutcome } from "./token_error.ts";

/** See the head of this file. */
export class TokenEndpoint implements SdkHttpClient {
  readonly #client: SdkHttpClient;
  #outcome: TokenOutcome = null;

  constructor(client: SdkHttpClient) {
    this.#client = client;
  }

  /** What the last request came to; null if there was none, or it is under way. */
  get outcome(): TokenOutcome {
    return this.#outcome;
  }

  async sendRequest(
    ...args: Parameters<SdkHttpClient["sendRequest"]>
  ): ReturnType<SdkHttpClient["sendRequest"]> {
    this.#outcome = null;
    try {
      const response = await this.#client.sendRequest(...args);
      const { status, bodyAsText } = response;
      this.#outcome = { status, headers: new Headers(response.headers.toJSON()), text: bodyAsText ?? "" };
      return response;
    } catch (error) {
      if (error instanceof TransportError) this.#outcome = error;
      throw error;
    }
  }
}
