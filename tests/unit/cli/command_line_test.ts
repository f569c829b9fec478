/** The form of the command line: commands, flags, environment and configuration file. */

import assert from "node:assert/strict";
import { commandHelps, commandMeanings, commandNames } from "../../../src/cli/command_names.ts";
import { commandHelpText, helpText } from "../../../src/cli/help_text.ts";
import { environmentVariable, flags } from "../../../src/cli/flags.ts";
import { commandLine, type FakeSources } from "../../fakes/command_lines.ts";

/** The values given, as `flag=value`. */
function values(text: string, sources: FakeSources = {}): readonly string[] {
  const line = commandLine(text, sources);
  assert.deepEqual(line.errors, [], text);
  return line.values.map(({ flag, value }) => `${flag}=${value}`);
}

Deno.test("parseCommandLine() runs without any word", () => {
  assert.deepEqual(commandLine(""), { command: "run", words: [], values: [], help: null, errors: [] });
});

Deno.test("parseCommandLine() knows every command, before and after flags", () => {
  for (
    const command of commandNames.filter((name) => name !== "help" && commandHelps[name].count[0] === 0)
  ) {
    assert.equal(commandLine(command).command, command);
    assert.equal(commandLine(`-debug ${command} -ipv6`).command, command);
    assert.deepEqual(commandLine(command).errors, []);
  }
});

Deno.test("parseCommandLine() takes flags with one dash or two, and the value after a space or a sign", () => {
  for (const form of ["-cloud aws", "--cloud aws", "-cloud=aws", "--cloud=aws"]) {
    assert.deepEqual(values(form), ["cloud=aws"], form);
  }
});

Deno.test("parseCommandLine() splits a value at its first equals sign only", () => {
  assert.deepEqual(values("-imds-endpoint=http://h/?a=b"), ["imds-endpoint=http://h/?a=b"]);
});

Deno.test("parseCommandLine() takes a value that looks like a flag or a command", () => {
  assert.deepEqual(values("-owner -debug"), ["owner=-debug"]);
  assert.deepEqual(values("-owner plan"), ["owner=plan"]);
  assert.equal(commandLine("-owner plan").command, "run");
});

Deno.test("parseCommandLine() takes booleans as Go does: alone or with a sign, never with the next word", () => {
  assert.deepEqual(values("-event"), ["event=true"]);
  assert.deepEqual(values("-event=false"), ["event=false"]);
  assert.deepEqual(values("-event plan"), ["event=true"]);
  assert.deepEqual(commandLine("-event false").errors, [
    'Unknown command "false": it is one of run, plan, apply, routes, explain, doctor, cleanup, status, release, bundle, version, completion, help',
  ]);
});

Deno.test("parseCommandLine() keeps repeated flags in the order given", () => {
  assert.deepEqual(values("-include 10.0.0.0/8+ -exclude 10.1.0.0/16 -include 0.0.0.0/0+"), [
    "include=10.0.0.0/8+",
    "exclude=10.1.0.0/16",
    "include=0.0.0.0/0+",
  ]);
});

Deno.test("parseCommandLine() reads each flag's variable", () => {
  for (const flag of flags.filter(({ name }) => name !== "config")) {
    const name = `CLOUDROUTESYNC_${flag.name.toUpperCase().replaceAll("-", "_")}`;
    assert.equal(environmentVariable(flag.name), name);
    assert.deepEqual(values("", { environment: { [name]: "true" } }), [`${flag.name}=true`]);
  }
});

Deno.test("parseCommandLine() takes an empty variable for none", () => {
  assert.deepEqual(values("", { environment: { CLOUDROUTESYNC_CLOUD: "" } }), []);
});

Deno.test("parseCommandLine() lets the flag win over the variable, that over the file", () => {
  const environment = { CLOUDROUTESYNC_OWNER: "variable", CLOUDROUTESYNC_HOLD: "2s" };
  const files = { "f.json": '{"owner": "file", "hold": "3s", "coalesce": "4s"}' };
  assert.deepEqual(values("-owner flag -config f.json", { environment, files }), [
    "owner=flag",
    "config=f.json",
    "hold=2s",
    "coalesce=4s",
  ]);
});

Deno.test("parseCommandLine() takes a list from the strongest source only", () => {
  const environment = { CLOUDROUTESYNC_INCLUDE: "10.0.0.0/8+" };
  const files = {
    "f.json": '{"include": ["172.16.0.0/12"], "table": [100, "main"], "event": true, "max-withdraw": 40}',
  };
  assert.deepEqual(values("-config f.json", { environment, files }), [
    "config=f.json",
    "include=10.0.0.0/8+",
    "table=100",
    "table=main",
    "event=true",
    "max-withdraw=40",
  ]);
});

Deno.test("parseCommandLine() takes the configuration file's name from its variable too", () => {
  const sources = {
    environment: { CLOUDROUTESYNC_CONFIG: "f.json" },
    files: { "f.json": '{"owner": "file"}' },
  };
  assert.ok(values("", sources).includes("owner=file"));
});

Deno.test("parseCommandLine() remembers where each value came from", () => {
  const sources = { environment: { CLOUDROUTESYNC_HOLD: "1" }, files: { "f.json": '{"owner": "a"}' } };
  assert.deepEqual(commandLine("-debug -config f.json", sources).values.map(({ source }) => source), [
    "-debug",
    "-config",
    "CLOUDROUTESYNC_HOLD",
    '"owner" in f.json',
  ]);
});

const badFiles: readonly (readonly [string, RegExp])[] = [
  ["{", /^Cannot read configuration file f\.json: /],
  ["[]", /^Cannot read configuration file f\.json: it is not an object of flags$/],
  ['{"cloud": {"name": "aws"}}', /^"cloud" in f\.json is neither a text, a number, true or false nor a list/],
  ['{"hold": 5, "cloud": null}', /^"cloud" in f\.json is neither /],
  ['{"include": ["10.0.0.0/8", null]}', /^"include" in f\.json is neither /],
  ['{"clowd": "aws"}', /^Unknown flag "clowd" in f\.json, did you mean "cloud"\?$/],
  ['{"-event": true}', /^Unknown flag "-event" in f\.json, did you mean "event"\?$/],
  ['{"config": "g.json"}', /^"config" in f\.json: a configuration file names no other one$/],
];

for (const [content, expected] of badFiles) {
  Deno.test(`parseCommandLine() says what is wrong with the configuration file ${content}`, () => {
    const { errors } = commandLine("-config f.json", { files: { "f.json": content } });
    assert.equal(errors.length, 1);
    assert.match(errors[0] ?? "", expected);
  });
}

Deno.test("parseCommandLine() says which configuration file is not there", () => {
  assert.deepEqual(commandLine("-config g.json").errors, [
    "Cannot read configuration file g.json: no such file or directory: g.json",
  ]);
});

Deno.test("parseCommandLine() names unknown flags and what was probably meant", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["-maxwithdraw=5", "Unknown flag -maxwithdraw, did you mean -max-withdraw?"],
    ["-routetable", "Unknown flag -routetable, did you mean -route-table?"],
    ["-protocols", "Unknown flag -protocols, did you mean -protocol?"],
    ["-clowd", "Unknown flag -clowd, did you mean -cloud?"],
    ["-evnet", "Unknown flag -evnet, did you mean -event?"],
    ["-versoin", "Unknown flag -versoin, did you mean -version?"],
    ["-xyzzy", "Unknown flag -xyzzy"],
  ];
  for (const [text, message] of cases) assert.equal(commandLine(text).errors[0], message);
});

Deno.test("parseCommandLine() tells all errors at once", () => {
  assert.deepEqual(commandLine("plan extra -foo -bar=1 -config g.json -owner").errors, [
    "Unknown flag -foo",
    "Unknown flag -bar",
    "Flag -owner needs a value: -owner NAME",
    "Cannot read configuration file g.json: no such file or directory: g.json",
    'Command plan takes no argument "extra"',
  ]);
});

Deno.test("parseCommandLine() takes -cleanup for the command cleanup", () => {
  assert.equal(commandLine("-cleanup").command, "cleanup");
  assert.equal(commandLine("cleanup").command, "cleanup");
  assert.equal(commandLine("cleanup -cleanup").command, "cleanup");
  assert.equal(commandLine("-cleanup=false").command, "run");
  assert.equal(commandLine("", { environment: { CLOUDROUTESYNC_CLEANUP: "1" } }).command, "cleanup");
  assert.deepEqual(commandLine("plan -cleanup").errors, ["Command plan and -cleanup exclude one another"]);
});

Deno.test("parseCommandLine() takes explain's one prefix or address, and any number for routes", () => {
  assert.deepEqual(commandLine("explain 10.0.0.0/8").words, ["10.0.0.0/8"]);
  assert.deepEqual(commandLine("explain -ipv6 2001:db8::/32 -debug").words, ["2001:db8::/32"]);
  assert.deepEqual(commandLine("routes 10.0.0.0/8 10.1.0.0/16").words, ["10.0.0.0/8", "10.1.0.0/16"]);
  assert.deepEqual(commandLine("explain").errors, [
    "Command explain needs a prefix or an address: cloudroutesync explain 10.244.3.0/24",
  ]);
  assert.deepEqual(commandLine("explain 10.0.0.0/8 10.1.0.0/16").errors, [
    'Command explain takes no argument "10.1.0.0/16"',
  ]);
});

Deno.test("parseCommandLine() refuses a flag on the command line that is another command's", () => {
  assert.deepEqual(commandLine("plan -count -fix -event").errors, [
    "Command plan does not take -count: it is for routes",
    "Command plan does not take -fix: it is for doctor",
  ]);
  assert.deepEqual(commandLine("version -event").errors, []);
  assert.deepEqual(commandLine("completion bash -cloud aws").errors, [
    "Command completion does not take -cloud",
  ]);
  assert.deepEqual(commandLine("run -output json").errors, [
    "Command run does not take -output: it is for plan, apply, routes, explain, doctor, status",
  ]);
});

Deno.test("parseCommandLine() takes any flag from variables and file, which are the service's", () => {
  const sources = {
    environment: { CLOUDROUTESYNC_WITHDRAW_ON_EXIT: "true", CLOUDROUTESYNC_CONFIG: "f.json" },
    files: { "f.json": '{"output": "json"}' },
  };
  assert.deepEqual(commandLine("cleanup", sources).errors, []);
});

Deno.test("parseCommandLine() names unknown variables and what was probably meant", () => {
  const variables = [
    "CLOUDROUTESYNC_CLOUD",
    "CLOUDROUTESYNC_CLOWD",
    "CLOUDROUTESYNC_XYZZY",
    "CLOUDROUTESYNC_TEST_CACHE",
    "HOME",
    "",
  ];
  assert.deepEqual(commandLine("plan", { variables }).errors, [
    "Unknown variable CLOUDROUTESYNC_CLOWD, did you mean CLOUDROUTESYNC_CLOUD?",
    "Unknown variable CLOUDROUTESYNC_XYZZY",
  ]);
});

Deno.test("parseCommandLine() names the command that was probably meant", () => {
  assert.deepEqual(commandLine("paln").errors, ['Unknown command "paln", did you mean plan?']);
  assert.deepEqual(commandLine("clean-up").errors, ['Unknown command "clean-up", did you mean cleanup?']);
  assert.match(commandLine("xyzzy").errors[0] ?? "", /^Unknown command "xyzzy": it is one of run, plan, /);
});

Deno.test("parseCommandLine() takes what follows -- for words, and names them as they were typed", () => {
  assert.deepEqual(commandLine("apply -- -count").errors, ['Command apply takes no argument "-count"']);
  assert.deepEqual(commandLine("plan -debug -- --event=true -h").errors, [
    'Command plan takes no argument "--event=true -h"',
  ]);
  assert.equal(commandLine("explain -- 10.0.0.0/8").words[0], "10.0.0.0/8");
  assert.deepEqual(commandLine("routes --").errors, []);
});

Deno.test("parseCommandLine() hears a call for help in each form", () => {
  for (const form of ["-h", "--help", "-help", "help", "help -debug"]) {
    assert.equal(commandLine(form).help, "all", form);
  }
  for (const form of ["plan -h", "-help plan", "help plan", "plan -help -count"]) {
    assert.equal(commandLine(form).help, "plan", form);
    assert.deepEqual(commandLine(form).errors, [], form);
  }
  assert.equal(commandLine("plan").help, null);
  assert.deepEqual(commandLine("help paln").errors, ['Unknown command "paln", did you mean plan?']);
});

Deno.test("helpText() shows that a boolean's value goes with a sign, in the columns of all others", () => {
  const help = helpText();
  assert.match(help, /^ {2}--event\[=true\|false\] {2,}follow/m);
  assert.doesNotMatch(help, /--event \[/);
  const column = (meaning: string): number | undefined =>
    help.split("\n").find((line) => line.includes(meaning))?.indexOf(meaning);
  assert.equal(column("follow the kernel's events"), column("owner of this instance"));
});

Deno.test("helpText() names every command, every flag and every default", () => {
  const help = helpText();
  for (const command of Object.keys(commandMeanings)) assert.match(help, new RegExp(`^  ${command}\\b`, "m"));
  for (const flag of flags) {
    assert.match(help, new RegExp(`--${flag.name}\\b`), flag.name);
    if (flag.kind !== "boolean" && flag.default !== "") assert.ok(help.includes(`default:`), flag.name);
  }
});

Deno.test("commandHelpText() names usage, exit codes, an example and the flags that the command takes", () => {
  for (const name of commandNames) {
    const help = commandHelpText(name);
    const { words, exits, example, serviceFlags } = commandHelps[name];
    assert.ok(help.startsWith(`Usage: cloudroutesync ${name}${words === "" ? "" : ` ${words}`}`), name);
    for (const [code, meaning] of exits) assert.ok(help.includes(`  ${code}  ${meaning}\n`), name);
    assert.ok(help.includes(`Example:\n  ${example}\n`), name);
    assert.equal(help.includes("--route-table"), serviceFlags === "used", name);
  }
  assert.match(commandHelpText("routes"), /--count/);
  assert.doesNotMatch(commandHelpText("plan"), /--count|--fix|--policy/);
});
