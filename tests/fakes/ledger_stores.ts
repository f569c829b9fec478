/** A ledger store in memory that fails when it is told to, and remembers what it was asked. */

import type { LedgerStore } from "../../src/sync/ledger_store.ts";

/** See the head of this file. */
export class FaultyStore implements LedgerStore {
  /** What is on the disk; null: nothing. */
  content: string | null;
  readonly setAsides: string[] = [];
  appends = 0;
  replaces = 0;
  /** The next append writes only so many characters and then fails. */
  tearNextAppendAt: number | null = null;
  /** The next replace fails and leaves the old content. */
  failNextReplace = false;

  constructor(content: string | null = null) {
    this.content = content;
  }

  read(): Promise<string | null> {
    return Promise.resolve(this.content);
  }

  append(text: string): Promise<void> {
    this.appends++;
    const tear = this.tearNextAppendAt;
    this.tearNextAppendAt = null;
    this.content = (this.content ?? "") + (tear === null ? text : text.slice(0, tear));
    return tear === null ? Promise.resolve() : Promise.reject(new Error("no space left on device"));
  }

  replace(text: string): Promise<void> {
    this.replaces++;
    if (this.failNextReplace) {
      this.failNextReplace = false;
      return Promise.reject(new Error("no space left on device"));
    }
    this.content = text;
    return Promise.resolve();
  }

  setAside(text: string): Promise<string> {
    this.setAsides.push(text);
    return Promise.resolve(`ledger.set-aside.${this.setAsides.length}`);
  }
}
