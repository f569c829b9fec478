/** What keeps this machine, not the cloud, from keeping a table: its lock, or the file of its ledger. */

/** See the head of this file. */
export class OpenTableError extends Error {
  override readonly name: string = "OpenTableError";
  /** Whether it may heal while the program waits, as a full disk does; a missing permission does not. */
  readonly heals: boolean;

  constructor(message: string, heals: boolean, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.heals = heals;
  }
}
