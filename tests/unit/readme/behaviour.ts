/** Rows of README on how commands end and what errors mean. */

import type { CloudErrorKind } from "../../../src/clouds/cloud_error.ts";
import { type ErrorMeaning, meaningOf } from "../../../src/clouds/error_meaning.ts";
import { commandHelps, commandNames } from "../../../src/cli/command_names.ts";

/** One row a command: what each exit code says. */
export function exitRows(): string[][] {
  return commandNames.map((name) => {
    const said = (code: number): string =>
      commandHelps[name].exits.find(([known]) => known === code)?.[1] ?? "";
    return [`\`${name}\``, said(0), said(1), said(2)];
  });
}

const kinds: Readonly<Record<CloudErrorKind, string>> = {
  throttled: "the cloud was asked too often",
  unavailable: "no answer, a server error, or a write whose answer makes no sense",
  malformed: "a reading was answered with what the API does not document, such as a proxy's page",
  conflict: "somebody else wrote meanwhile; it is read again",
  gone: "the table, router or route is not there any more",
  quota: "a limit is reached",
  denied: "a permission is missing, or the credentials are refused",
  invalid: "the cloud will not take this change, or cannot work with these settings",
};

const tries: Readonly<Record<ErrorMeaning["retry"], string>> = {
  "back-off": "soon, never before Retry-After",
  "each-minute": "once a minute",
  prepare: "after the tables were looked up again",
};

const scopes: Readonly<Record<ErrorMeaning["scope"], string>> = {
  change: "nothing",
  family: "changes of the same kind and address family",
  action: "changes of the same kind",
  table: "the whole table",
};

/** One row a kind of error. */
export function errorRows(): string[][] {
  return Object.entries(kinds).map(([kind, meaning]) => {
    // Object.entries() forgets the type of the keys.
    const { retry, scope } = meaningOf({ kind: kind as CloudErrorKind });
    return [`\`${kind}\``, meaning, tries[retry], scopes[scope]];
  });
}
