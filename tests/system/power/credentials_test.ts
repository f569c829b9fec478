/**
 * Each form of credentials makes the first call of its cloud in the compiled program, in an environment without HOME; and the program asks
 * Deno for nothing that it would not get. Deno's own record of what is asked for (`DENO_AUDIT_PERMISSIONS`) exists in `deno run` only, so the
 * same bundle is run there with the same permissions.
 */

import assert from "node:assert/strict";
import { bundle } from "../../../.ci/bundle.ts";
import { permissionFlags } from "../../../.ci/compile.ts";
import { granted } from "../../../src/cli/least_power.ts";
import { opensslMissing } from "../../fakes/certificates.ts";
import { inTemporaryFolder } from "../../fakes/temporary_folder.ts";
import { skips } from "../../needs.ts";
import { binaryMissing, binaryPath } from "../binary.ts";
import { type CredentialForm, credentialForms } from "./credential_forms.ts";

/**
 * Variables that a dependency asks for and does not get, though it would like to: none of them has a meaning here. A new one must be looked
 * at: a variable that users set for a vendor's SDK must either be granted, or be of no use.
 */
const askedInVain: ReadonlySet<string> = new Set([
  // Windows' homes.
  "env USERPROFILE",
  "env HOMEPATH",
  "env HOMEDRIVE",
  "env ProgramData",
  "env ProgramFiles",
  // AWS Lambda, and regions of Azure's functions.
  "env _X_AMZN_TRACE_ID",
  "env MSAL_FORCE_REGION",
  "env REGION_NAME",
  // Managed identities of App Service, Service Fabric, Cloud Shell and Arc: none of them is a VM on Azure.
  "env IDENTITY_ENDPOINT",
  "env IDENTITY_HEADER",
  "env IDENTITY_SERVER_THUMBPRINT",
  "env MSI_ENDPOINT",
  "env MSI_SECRET",
  "env IMDS_ENDPOINT",
  "read /opt/azcmagent/bin/himds",
  // Logs that go past this program's own; `null` is all variables at once, for the first of them.
  "env DEBUG",
  "env TYPESPEC_RUNTIME_LOG_LEVEL",
  "env GOOGLE_SDK_NODE_LOGGING",
  "env null",
]);

/** What was asked for and is not granted: `KIND VALUE`. */
async function refusals(audit: string, folder: string): Promise<string[]> {
  const lines = (await Deno.readTextFile(audit)).trim().split("\n");
  const asked = new Set(lines.map((line) => {
    const { permission, value } = JSON.parse(line);
    return `${permission} ${value}`;
  }));
  return [...asked].filter((each) => !isGranted(each, folder) && !askedInVain.has(each));
}

function isGranted(asked: string, folder: string): boolean {
  const [kind = "", value = ""] = [asked.slice(0, asked.indexOf(" ")), asked.slice(asked.indexOf(" ") + 1)];
  switch (kind) {
    case "env":
      return granted.environment.some((name) =>
        name.endsWith("*") ? value.startsWith(name.slice(0, -1)) : value === name
      );
    case "sys":
      return granted.sys.some((name) => name === value);
    case "read":
      // Where AWS' files are looked for without HOME.
      return value.startsWith(folder) || value.startsWith("/.aws/");
    case "write":
      return value.startsWith(`${folder}/state`);
    case "ffi":
      return /libc/.test(value);
    default:
      return kind === "net";
  }
}

Deno.test({
  name: "with each form of credentials the program asks for nothing that is refused",
  ignore: skips(opensslMissing()),
  fn: async (t) => {
    await inTemporaryFolder(async (folder) => {
      await using stack = new AsyncDisposableStack();
      await Deno.mkdir(`${folder}/chunks`);
      const { entry } = await bundle({ entry: "main.ts", folder: `${folder}/chunks`, commit: "test" });
      for (const form of await credentialForms(folder, stack)) {
        await t.step(form.name, async () => {
          const audit = `${folder}/audit.jsonl`;
          const flags = ["run", "--no-prompt", "--no-config", ...permissionFlags(), entry];
          const environment = { ...form.environment, DENO_AUDIT_PERMISSIONS: audit };
          await firstCall(form, folder, Deno.execPath(), flags, environment);
          assert.deepEqual(await refusals(audit, folder), []);
          await Deno.remove(audit);
        });
      }
    });
  },
});

Deno.test({
  name: "each form of credentials works in the executable, without HOME",
  ignore: skips(opensslMissing(), await binaryMissing()),
  fn: async (t) => {
    await inTemporaryFolder(async (folder) => {
      await using stack = new AsyncDisposableStack();
      const executable = await binaryPath();
      for (const form of await credentialForms(folder, stack)) {
        await t.step(form.name, async () => {
          const text = await firstCall(form, folder, executable, [], form.environment);
          assert.doesNotMatch(text, /NotCapable|Requires [a-z]+ access/);
        });
      }
    });
  },
});

/** Runs `doctor`, which must call the cloud's API as the form says. @returns all that it printed. */
async function firstCall(
  form: CredentialForm,
  folder: string,
  program: string,
  before: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const args = [...before, "doctor", "-cloud", form.cloud, "-state", `${folder}/state`];
  const { stdout, stderr } = await new Deno.Command(program, { args, clearEnv: true, env }).output();
  const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n");
  assert.ok(form.callers().some((caller) => form.expected.test(caller)), text);
  return text;
}
