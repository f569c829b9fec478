/** What a monitor watches. */

import type { Family } from "../routes/prefix.ts";
import type { KeepPrefix } from "./kernel_table.ts";

/** What is watched, and how. */
export interface KernelMonitorOptions {
  /** Kernel tables in the order of preference; 254 is main. */
  readonly tables: readonly number[];
  /** Whether all other tables that have routes are read too; not together with events. */
  readonly allTables?: boolean;
  readonly families: readonly Family[];
  /** Routes of other prefixes take no memory. Absent: all are kept. */
  readonly keepPrefix?: KeepPrefix;
  /** Whether routes for some source addresses only are kept; not together with events. */
  readonly sourceSpecific?: boolean;
  /** Whether a device's name is one whose every change is to be reported, whatever leaves by it. Absent: none is. */
  readonly isNamed?: (device: string) => boolean;
  /** Whether events are subscribed to; without them only dumps bring news. */
  readonly events: boolean;
  /** Milliseconds from one dump to the next, the safety net; 0 for none. */
  readonly redumpMs: number;
  /** The text of a file of /proc, null if there is none: what the kernel says of its tables besides dumps. Absent: there are none. */
  readonly readText?: (path: string) => Promise<string | null>;
  /** Called with each error that the monitor lives on with; {@linkcode KernelHealth.lastError} has the last. */
  readonly onError?: (error: Error) => void;
  /** Called with what the user should know of the way in which the kernel is followed, once. */
  readonly onNotice?: (text: string) => void;
  /** Aborted, it closes the monitor. */
  readonly signal?: AbortSignal;
}
