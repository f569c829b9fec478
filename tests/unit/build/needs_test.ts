import assert from "node:assert/strict";
import { fileMissing, programMissing, skips } from "../../needs.ts";

/** Runs with `CI` set to this for the time of a call. */
function withCi<T>(value: string | null, run: () => T): T {
  const former = Deno.env.get("CI");
  const set = (text: string | undefined): void =>
    text === undefined ? Deno.env.delete("CI") : Deno.env.set("CI", text);
  set(value ?? undefined);
  try {
    return run();
  } finally {
    set(former);
  }
}

Deno.test("skips() skips outside CI only, and only what lacks something", () => {
  withCi(null, () => {
    assert.equal(skips(null, null), false);
    assert.equal(skips(null, "a reason that this test has made up"), true);
  });
  withCi("true", () => {
    assert.equal(skips(null), false);
    assert.throws(
      () => skips(null, "moto is not installed"),
      /Cannot run the tests of .*: moto is not installed$/,
    );
  });
});

Deno.test("programMissing() and fileMissing() name what is missing and where it comes from", () => {
  assert.equal(programMissing("sh"), null);
  assert.equal(
    programMissing("no-such-program", "some-package"),
    "the program no-such-program is missing (Debian's package some-package)",
  );
  assert.equal(fileMissing("/bin/sh", "a shell", "install one"), null);
  assert.equal(fileMissing("/none", "moto", "run aws.sh"), "moto is not installed: run aws.sh");
});
