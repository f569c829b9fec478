/** What code that is loaded after the start can still do: a compiled program narrows itself, then tries everything. */

import assert from "node:assert/strict";
import { compile } from "../../../.ci/compile.ts";
import type { Narrowed } from "../../../src/cli/least_power.ts";
import { skips } from "../../needs.ts";
import { binaryMissing } from "../binary.ts";
import type { Outcomes } from "./later.ts";

interface Report {
  readonly libraries: boolean;
  readonly narrowed: Narrowed;
  readonly outcomes: Outcomes;
  readonly libcAnswers: boolean;
}

const probe = new URL("probe.ts", import.meta.url).pathname;

/** Variables of the probe's process; two of them are none of its business. */
const environment = {
  AWS_REGION: "eu-west-1",
  AZURE_CLIENT_SECRET: "of another cloud",
  SECRET_OF_ANOTHER: "of another program",
};

/** Runs the probe in a folder of its own, against a server of its own. */
async function runProbe(command: readonly string[], folder: string, server: string): Promise<Report> {
  const stateFolder = `${folder}/state`;
  await Deno.mkdir(stateFolder, { recursive: true });
  const [program = "", ...args] = command;
  const { stdout, stderr } = await new Deno.Command(program, {
    args: [...args, stateFolder, `${folder}/outside.js`, server],
    env: environment,
    clearEnv: true,
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.notEqual(text, "", new TextDecoder().decode(stderr));
  // The probe is this test's own program and prints a Report.
  return JSON.parse(text) as Report;
}

/** Makes a folder and a server for the time of a test. */
async function withSurroundings(run: (folder: string, server: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "least-power-" });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("hello"),
  );
  try {
    await run(folder, `http://127.0.0.1:${server.addr.port}/`);
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

const ignore = skips(await binaryMissing());

Deno.test(
  { name: "narrowPermissions() leaves a compiled program nothing but its needs", ignore },
  async (t) => {
    await withSurroundings(async (folder, server) => {
      const executable = `${folder}/probe`;
      await compile({ entry: probe, output: executable, target: `${Deno.build.arch}-unknown-linux-gnu` });

      await t.step(
        "code loaded later opens no library, starts no process, reaches no other file",
        async () => {
          const { libraries, narrowed, outcomes } = await runProbe([executable], folder, server);
          assert.equal(libraries, true);
          assert.deepEqual(narrowed.left, []);
          assert.deepEqual(outcomes, {
            openLibrary: "NotCapable",
            openLibraryElsewhere: "NotCapable",
            makePointer: "NotCapable",
            askForLibraries: "denied",
            startProcess: "NotCapable",
            askForProcesses: "denied",
            signalProcess: "NotCapable",
            writeOutside: "NotCapable",
            linkOutside: "NotCapable",
            askToWrite: "denied",
            readOutside: "NotFound",
            readMemory: "NotFound",
            readEnvironment: "nothing",
            readEnvironmentOfOtherCloud: "nothing",
            readEnvironmentAsNode: "nothing",
            listEnvironment: "AWS_REGION",
            importFile: "TypeError",
            readMachine: "NotCapable",
            workerWritesOutside: "NotCapable",
            connect: "hello",
            readOwnEnvironment: "eu-west-1",
            writeState: "nothing",
            readState: "x",
          });
        },
      );

      await t.step("what was opened before goes on working", async () => {
        assert.equal((await runProbe([executable], folder, server)).libcAnswers, true);
      });

      await t.step("a run that needs no network has none", async () => {
        const { narrowed, outcomes } = await runProbe([executable], folder, "");
        assert.ok(narrowed.revoked.includes("net"));
        assert.equal(outcomes["connect"], "NotCapable");
      });
    });
  },
);

Deno.test("narrowPermissions() tells what a global grant leaves when run with --allow-all", async () => {
  await withSurroundings(async (folder, server) => {
    const command = [Deno.execPath(), "run", "--no-prompt", "--allow-all", "--cached-only", probe];
    const { narrowed, outcomes, libcAnswers } = await runProbe(command, folder, server);
    assert.deepEqual(narrowed, {
      revoked: ["sys", "run"],
      left: ["write: the grant is global", "read: the grant is global", "env: the grant is global"],
    });
    assert.equal(outcomes["openLibrary"], "NotCapable");
    assert.equal(outcomes["startProcess"], "NotCapable");
    assert.equal(libcAnswers, true);
  });
});
