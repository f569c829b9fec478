/** The lines of the log: for a terminal, for the journal, for machines. */

import assert from "node:assert/strict";
import type { LogRecord } from "@logtape/logtape";
import { isJournal } from "../../../src/cli/journal.ts";
import { lineFormatter } from "../../../src/cli/logging.ts";

function record(properties: Record<string, unknown>, message: readonly unknown[]): LogRecord {
  return {
    category: ["cloudroutesync", "sync"],
    level: "warning",
    message,
    rawMessage: "",
    timestamp: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    properties,
  };
}

const text = { format: "text", journal: false, colours: false } as const;

Deno.test("a line for a file has its time; one for the journal has its priority instead", () => {
  const cut = record({}, ["3 withdrawals are held"]);
  assert.equal(
    lineFormatter(text)(cut),
    "2026-01-02T03:04:05.678Z [WRN] sync: 3 withdrawals are held\n",
  );
  assert.equal(
    lineFormatter({ ...text, journal: true, colours: true })(cut),
    "<4>[WRN] sync: 3 withdrawals are held\n",
  );
});

Deno.test("each line of a stack has its priority in the journal", () => {
  const stack = record({}, ["Error: no\n    at a\n    at b"]);
  assert.equal(
    lineFormatter({ ...text, journal: true })(stack),
    "<4>[WRN] sync: Error: no\n<4>    at a\n<4>    at b\n",
  );
});

Deno.test("the JSON log in the journal is JSON behind its priority", () => {
  const format = lineFormatter({ format: "json", journal: true, colours: false });
  const line = format(record({ event: "held", count: 3 }, ["held ", 3, ""]));
  assert.match(line, /^<4>\{.*\}\n$/);
  const { event, count, message, level } = JSON.parse(line.slice(3));
  assert.deepEqual([event, count, message, level], ["held", 3, "held 3", "WARN"]);
});

Deno.test("a terminal shows colours", () => {
  assert.ok(lineFormatter({ ...text, colours: true })(record({}, ["x"])).includes("\x1b["));
});

Deno.test("a long list and a long value are cut", () => {
  const prefixes = Array.from({ length: 5_000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`);
  const line = lineFormatter(text)(record({}, ["changed: ", prefixes, ""]));
  assert.ok(line.endsWith("10.0.8.0/24, 10.0.9.0/24 and 4990 more\n"), line);
  const long = lineFormatter(text)(record({}, ["", "x".repeat(9_000), ""]));
  assert.ok(long.endsWith("x… (1000 more characters)\n"));
});

Deno.test("standard error is the journal only where its inode is the one that systemd named", () => {
  const info = "pos:\t0\nflags:\t02\nmnt_id:\t9\nino:\t4711";
  assert.equal(isJournal("8:4711", info), true);
  assert.equal(isJournal("8:4712", info), false);
  assert.equal(isJournal("8:4712", null), true);
  assert.equal(isJournal(undefined, info), false);
  assert.equal(isJournal("", info), false);
});
