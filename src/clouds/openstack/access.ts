/** Opens Neutron for a run: reads the settings until they are right, and keeps one login. */

import { CloudError, ConfigurationError } from "../cloud_error.ts";
import { call, kindOfStatus } from "../http.ts";
import { systemCause } from "../system_cause.ts";
import { Neutron } from "./api.ts";
import { type OpenstackSettings, type PartialSettings, readSettings } from "./credentials.ts";
import type { OpenstackOptions } from "./flags.ts";
import { Session } from "./session.ts";

/** Neutron for one run. */
export class NeutronAccess {
  readonly #options: OpenstackOptions;
  #found: Neutron | PartialSettings | CloudError;

  /**
   * Reads clouds.yaml, secure.yaml, certificates and variables, all at once; once they are right neither files nor environment are
   * needed any more. Makes no call.
   */
  constructor(options: OpenstackOptions) {
    this.#options = options;
    this.#found = this.#read();
  }

  /**
   * Neutron, with a session of its own that logs in when it must.
   *
   * @throws {CloudError} if settings are missing or wrong (they are read anew with each call), or a vendor's profile cannot be
   * fetched.
   */
  async neutron(signal: AbortSignal): Promise<Neutron> {
    if (this.#found instanceof CloudError) this.#found = this.#read();
    if (this.#found instanceof CloudError) throw this.#found;
    if (this.#found instanceof Neutron) return this.#found;
    const published = await this.#published(this.#found.profileUrl, signal);
    return this.#found = this.#open(this.#found.complete(published));
  }

  #read(): Neutron | PartialSettings | CloudError {
    const { osCloud, environment } = this.#options;
    try {
      const settings = readSettings(osCloud, { environment, readFile });
      return "profileUrl" in settings ? settings : this.#open(settings);
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      const remedy = "set the OS_* variables, or name an entry of clouds.yaml with -os-cloud";
      const details = { remedy, cause: error.cause };
      return error instanceof ConfigurationError
        ? new ConfigurationError(error.message, details)
        : new CloudError(error.kind, error.message, details);
    }
  }

  #open(settings: OpenstackSettings): Neutron {
    return new Neutron(new Session(settings, this.#options.transport));
  }

  async #published(url: string, signal: AbortSignal): Promise<unknown> {
    const action = `fetch the vendor's profile ${url}`;
    const answer = await call({ transport: this.#options.transport, action, url, signal });
    if (answer.status === 200) return answer.body;
    throw new CloudError(kindOfStatus(answer.status), `Cannot ${action}: it answered ${answer.status}`, {
      status: answer.status,
    });
  }
}

/** The text of a file, or null if there is none. @throws {CloudError} of kind `invalid` if it cannot be read. */
export function readFile(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw new CloudError("invalid", `Cannot read ${path}: ${systemCause(error)}`, { cause: error });
  }
}
