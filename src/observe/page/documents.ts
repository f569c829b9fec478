/** What the page is sent: the documents of `status -output json` and `/routes` as far as it shows them. Types alone. */

import type { RouteRow } from "../route_row.ts";

export type { CloudCell, KernelCell, RouteRow, RowState } from "../route_row.ts";

/** One change that was made. */
export interface ChangeDocument {
  readonly time: string;
  readonly table: string;
  readonly action: "add" | "replace" | "delete";
  readonly prefix: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly cause: string;
  readonly milliseconds: number | null;
}

/** Routes of a table that take places of one quota. */
export interface QuotaDocument {
  readonly families: readonly number[];
  readonly used: number;
  readonly limit: number | null;
}

/** The document of `status -output json` (schemas/status.schema.json). */
export interface StatusDocument {
  readonly state: "starting" | "ok" | "degraded" | "failing";
  readonly why: string;
  readonly inStep: boolean;
  readonly since: string;
  readonly held: readonly {
    readonly table: string;
    readonly count: number;
    readonly why: string | null;
    readonly until: string | null;
    readonly release: string;
  }[];
  readonly service: {
    readonly version: string;
    readonly pid: number;
    readonly startedAt: string;
    readonly cloud: string;
    readonly instance: string | null;
    readonly owner: string;
  };
  readonly peers: readonly {
    readonly address: string;
    readonly state: "alive" | "suspect" | "dead" | "unknown";
    readonly since: string | null;
    readonly why: string;
  }[];
  readonly flow: {
    readonly kernelRoutes: number;
    readonly wanted: number;
    readonly tables: readonly {
      readonly table: string;
      readonly known: boolean;
      readonly owned: number;
      readonly foreign: number;
      readonly peers: number;
      readonly standby: number;
      readonly pending: number;
      readonly held: number;
      readonly overQuota: number;
      readonly conflicts: number;
      readonly quotas: readonly QuotaDocument[];
    }[];
  };
  readonly cloud: {
    readonly tables: readonly {
      readonly table: string;
      readonly lastReading: string | null;
      readonly lastWrite: string | null;
      readonly nextTry: string | null;
    }[];
  };
  readonly errors: readonly {
    readonly table: string;
    readonly prefix: string | null;
    readonly further: number;
    readonly message: string;
    readonly kind?: string;
    readonly remedy: string | null;
    readonly nextTry: string | null;
  }[];
  readonly problems: readonly {
    readonly prefix: string;
    readonly problem: string;
    readonly command: string;
  }[];
}

/** The document of `/routes`. */
export interface RoutesDocument {
  readonly revision: number;
  readonly leftOut: number;
  /** What each reason means. */
  readonly reasons: Readonly<Record<string, string>>;
  readonly rows: readonly RouteRow[];
}

/** The data of an event `rows`: what changed from one revision to the next. */
export interface RowsEvent {
  readonly from: number;
  readonly revision: number;
  /** New and changed rows; null: too many to be named. */
  readonly rows: readonly RouteRow[] | null;
  /** Prefixes whose row is gone. */
  readonly gone: readonly string[];
}
