/** Flags, environment variables and configuration file, and which of them wins. */

import assert from "node:assert/strict";
import { makeCertificates, opensslMissing } from "../../fakes/certificates.ts";
import { type Router, routerTest } from "./router.ts";

const ours = { prefix: "198.51.100.0/24", nextHop: "10.0.0.7", owner: "cloudroutesync" };

/** The number of routes that `plan` finds of ours and foreign, which tells the owner it runs as. */
async function ownersView(
  router: Router,
  flags: readonly string[],
  env: Record<string, string> = {},
): Promise<{ foreign: number; deletes: number }> {
  const args = ["plan", "-output", "json", "-cloud", "local", "-local-file", router.file, ...flags];
  const { stdout, stderr } = await router.bare(args, env);
  assert.notEqual(stdout, "", stderr);
  const { tables: [document] } = JSON.parse(stdout) as {
    tables: readonly { foreign: number; changes: readonly unknown[] }[];
  };
  assert.ok(document !== undefined, "there is a table");
  return { foreign: document.foreign, deletes: document.changes.length };
}

/** The sentences that a bad configuration is answered with. */
async function usageErrors(
  router: Router,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string[]> {
  const { code, stdout, stderr } = await router.bare(args, env);
  assert.equal(code, 2, stderr);
  assert.equal(stdout, "");
  const lines = stderr.trimEnd().split("\n");
  assert.match(lines.pop() ?? "", /^Usage: /);
  return lines.map((line) => line.replace(/^cloudroutesync: /, ""));
}

routerTest("flags take one dash or two, and = or a word for the value", async (router) => {
  const forms = [
    ["-cloud", "local", "-local-file", router.file],
    ["--cloud", "local", "--local-file", router.file],
    ["-cloud=local", `-local-file=${router.file}`],
    ["--cloud=local", `--local-file=${router.file}`],
  ];
  await router.writeFile([ours]);
  for (const form of forms) {
    const { code, stdout, stderr } = await router.bare(["plan", "-output=json", "-event=false", ...form]);
    assert.equal(code, 2, stderr);
    assert.equal(JSON.parse(stdout).tables[0].table, router.file);
  }
});

routerTest("a flag wins over its variable, that over the file, that over the default", async (router) => {
  await router.writeFile([ours]);
  const config = `${router.folder}/config.json`;
  await Deno.writeTextFile(config, JSON.stringify({ owner: "of-the-file", "max-withdraw": 50 }));
  const isOurs = { foreign: 0, deletes: 1 };
  const isForeign = { foreign: 1, deletes: 0 };
  assert.deepEqual(await ownersView(router, []), isOurs);
  assert.deepEqual(await ownersView(router, ["-config", config]), isForeign);
  const env = { CLOUDROUTESYNC_OWNER: "cloudroutesync", CLOUDROUTESYNC_CONFIG: config };
  assert.deepEqual(await ownersView(router, [], env), isOurs);
  assert.deepEqual(await ownersView(router, ["-owner", "of-the-flag"], env), isForeign);
});

routerTest("the whole configuration may stand in environment or file", async (router) => {
  await router.writeFile([ours]);
  const env = { CLOUDROUTESYNC_CLOUD: "local", CLOUDROUTESYNC_LOCAL_FILE: router.file };
  assert.equal((await router.bare(["plan"], env)).code, 2);
  const config = `${router.folder}/config.json`;
  const include = ["10.0.0.0/8+", "192.0.2.0/24"];
  await Deno.writeTextFile(
    config,
    JSON.stringify({ cloud: "local", "local-file": router.file, event: true, include, hold: 3 }),
  );
  await router.announce(["10.1.0.0/16", "192.0.2.0/24", "203.0.113.0/24"]);
  assert.equal((await router.bare(["apply", "-config", config])).code, 0);
  await router.untilTable({ "10.1.0.0/16": "10.0.0.7", "192.0.2.0/24": "10.0.0.7" });
});

routerTest("the default file is cloudroutesync.local.json in the current folder", async (router) => {
  await router.announce([ours.prefix]);
  assert.equal((await router.bare(["apply", "-cloud", "local"])).code, 0);
  const text = await Deno.readTextFile(`${router.folder}/cloudroutesync.local.json`);
  assert.deepEqual(JSON.parse(text), { version: 1, quota: 500, routes: [ours] });
});

routerTest("all that is wrong is told at once, a sentence each, with exit code 2", async (router) => {
  const flags = ["-no-such-flag", "-cloud", "cloudy", "-hold", "soon", "-priority", "70000"];
  const more = ["-protocol", "bgpp", "-include", "10.0.0.0/33", "-local-faults", "2", "-netlink", "0"];
  assert.deepEqual(await usageErrors(router, ["run", ...flags, ...more, "-owner", "Not A Name"]), [
    "Unknown flag -no-such-flag",
    '-priority: "70000" is not a whole number from 0 to 65535',
    '-local-faults: "2" is not a number from 0 to 1',
    '-cloud: "cloudy" is not one of azure, aws, gcp, openstack, local',
    '-protocol: "bgpp" is neither a routing protocol\'s name nor a number from 0 to 255',
    '-include: Cannot parse prefix "10.0.0.0/33": length is over 32',
    '-hold: Cannot parse duration "soon": it is neither a number of seconds nor like 250ms, 5s or 2m',
    '-owner: "Not A Name" is not a name of 1 to 31 lower-case letters, digits and dashes that begins with a letter',
    "Flag -netlink 0 needs -event: without events the kernel's table would never be read again",
  ]);
});

routerTest("flags that contradict one another are told", async (router) => {
  assert.deepEqual(
    await usageErrors(router, ["-cloud", "local", "-priority", "3", "-route-table", "rtb-1"]),
    [
      "-priority has no meaning with -cloud local: it is for gcp",
      "-route-table has no meaning with -cloud local: it is for azure, aws, gcp, openstack",
    ],
  );
  assert.deepEqual(await usageErrors(router, ["plan", "-cleanup", "-cloud", "local"]), [
    "Command plan and -cleanup exclude one another",
  ]);
});

routerTest("what is wrong in environment or file is told with its place", async (router) => {
  const config = `${router.folder}/config.json`;
  await Deno.writeTextFile(config, JSON.stringify({ hold: "soon", hodl: 3 }));
  assert.deepEqual(
    await usageErrors(router, ["-config", config], {
      CLOUDROUTESYNC_AUDIT: "never",
      CLOUDROUTESYNC_ADUIT: "1",
    }),
    [
      "Unknown variable CLOUDROUTESYNC_ADUIT, did you mean CLOUDROUTESYNC_AUDIT?",
      `Unknown flag "hodl" in ${config}, did you mean "hold"?`,
      'CLOUDROUTESYNC_AUDIT: Cannot parse duration "never": it is neither a number of seconds nor like 250ms, 5s or 2m',
      `"hold" in ${config}: Cannot parse duration "soon": it is neither a number of seconds nor like 250ms, 5s or 2m`,
    ],
  );
  await Deno.writeTextFile(config, "{");
  const [sentence = ""] = await usageErrors(router, ["-config", config]);
  assert.match(sentence, /^Cannot read configuration file .*config\.json: /);
  const [missing = ""] = await usageErrors(router, ["-config", `${router.folder}/none.json`]);
  assert.match(missing, /^Cannot read configuration file .*none\.json: no such file/);
});

routerTest("a word too many, a missing value and an unknown command are told", async (router) => {
  assert.deepEqual(await usageErrors(router, ["plan", "everything", "-cloud", "local"]), [
    'Command plan takes no argument "everything"',
  ]);
  assert.deepEqual(await usageErrors(router, ["run", "-cloud"]), [
    "Flag -cloud needs a value: -cloud NAME",
  ]);
  const [sentence = ""] = await usageErrors(router, ["sync"]);
  assert.match(sentence, /^Unknown command "sync": it is one of run, plan, /);
});

routerTest("a near miss of a flag's name is helped along", async (router) => {
  assert.deepEqual(await usageErrors(router, ["-cloud", "local", "-local_file=x"]), [
    "Unknown flag -local_file, did you mean -local-file?",
  ]);
});

routerTest(
  "certificate authorities that cannot be used are told by a cloud that calls out, and no concern of the embedded one",
  async (router) => {
    await Deno.mkdir(`${router.folder}/table`);
    const args = ["apply", "-cloud", "local", "-local-file", `${router.folder}/table/cloud.json`];
    const { authorityFile } = await makeCertificates(router.folder);
    const good = await router.bare(args, {
      SSL_CERT_FILE: authorityFile,
      NODE_EXTRA_CA_CERTS: authorityFile,
    });
    assert.equal(good.code, 0, good.stderr);
    const broken = `${router.folder}/broken.pem`;
    await Deno.writeTextFile(broken, "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
    const environment = { SSL_CERT_FILE: authorityFile, NODE_EXTRA_CA_CERTS: broken };
    assert.equal((await router.bare(args, environment)).code, 0);
    const bad = await router.bare(["plan", "-cloud", "gcp"], environment);
    assert.equal(bad.code, 1);
    assert.match(
      bad.stderr,
      /^cloudroutesync: Cannot use the certificate authorities that are to be trusted: /m,
    );
    assert.doesNotMatch(bad.stderr, /^ +at /m);
  },
  opensslMissing(),
);
