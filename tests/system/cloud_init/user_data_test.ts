/** The user-data of the Terraform folders: valid for cloud-init, and careful about what it downloads. */

import assert from "node:assert/strict";
import { parse } from "yaml";
import { renderTemplate } from "../../fakes/terraform_template.ts";
import { programMissing, skips } from "../../needs.ts";
import { environmentVariable, flags } from "../../../src/cli/flags.ts";

const folder = new URL("../../../terraform/cloud-init/", import.meta.url).pathname;
const template = await Deno.readTextFile(`${folder}user-data.yaml`);
const executable = new TextEncoder().encode("#!/bin/sh\necho hello\n");

/** What cloud-init reads of the document, as far as the tests look at it. */
interface UserData {
  readonly packages: readonly string[];
  readonly write_files: readonly {
    readonly path: string;
    readonly content: string;
    readonly permissions: string;
  }[];
  readonly runcmd: readonly (readonly string[])[];
}

const values = {
  binary_url: "https://downloads.example/cloudroutesync",
  binary_sha256: "ab".repeat(32),
  cloud: "openstack",
  environment: { CLOUDROUTESYNC_LISTEN: "127.0.0.1:9100", OS_PASSWORD: 'a "quoted" $secret' },
  frr_config: "router bgp 65001\n neighbor 10.0.0.2 remote-as 65002\n!\n address-family ipv4\n",
};

function rendered(): UserData {
  // The template is this repository's own; a wrong shape fails the assertions below.
  return parse(renderTemplate(template, values)) as UserData;
}

function fileOf(path: string): string {
  const file = rendered().write_files.find((entry) => entry.path === path);
  assert.ok(file, `no ${path}`);
  return file.content;
}

Deno.test({
  name: "user-data passes cloud-init's own schema",
  ignore: skips(programMissing("cloud-init")),
  async fn(): Promise<void> {
    const file = await Deno.makeTempFile({ suffix: ".yaml" });
    try {
      await Deno.writeTextFile(file, renderTemplate(template, values));
      const { code, stdout, stderr } = await new Deno.Command("cloud-init", {
        args: ["schema", "--config-file", file],
      }).output();
      const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      assert.equal(code, 0, text);
      assert.match(text, /Valid cloud-config/);
    } finally {
      await Deno.remove(file);
    }
  },
});

Deno.test("user-data carries the unit as it stands beside it", async () => {
  const unit = await Deno.readTextFile(`${folder}cloudroutesync.service`);
  assert.equal(fileOf("/etc/systemd/system/cloudroutesync.service").trim(), unit.trim());
});

Deno.test("user-data writes FRR's configuration and the service's variables as given", () => {
  assert.equal(fileOf("/etc/frr/frr.conf"), values.frr_config);
  assert.deepEqual(fileOf("/etc/default/cloudroutesync").trim().split("\n"), [
    'CLOUDROUTESYNC_CLOUD="openstack"',
    'CLOUDROUTESYNC_EVENT="true"',
    'CLOUDROUTESYNC_LISTEN="127.0.0.1:9100"',
    'OS_PASSWORD="a \\"quoted\\" $secret"',
  ]);
  const known = flags.map(({ name }) => environmentVariable(name));
  assert.ok(known.includes("CLOUDROUTESYNC_CLOUD") && known.includes("CLOUDROUTESYNC_EVENT"));
});

Deno.test("user-data without further variables writes only its own", () => {
  const document = parse(renderTemplate(template, { ...values, environment: {} })) as UserData;
  const file = document.write_files.find(({ path }) => path === "/etc/default/cloudroutesync");
  assert.equal(file?.content.trim().split("\n").length, 2);
  assert.equal(file?.permissions, "0600");
});

Deno.test("user-data fetches before it starts, from the address and with the checksum given", () => {
  const commands = rendered().runcmd.map((command) => command.join(" "));
  const fetching = commands.findIndex((command) =>
    command.startsWith("/usr/local/sbin/cloudroutesync-fetch")
  );
  const starting = commands.findIndex((command) => command === "systemctl enable --now cloudroutesync");
  assert.ok(fetching >= 0 && fetching < starting);
  assert.ok(
    commands[fetching]?.includes(
      `${values.binary_url} ${values.binary_sha256} /usr/local/bin/cloudroutesync`,
    ),
  );
});

/** Runs the document's download script against a server of its own. */
async function fetchWith(
  sha256: string,
  sums = "",
): Promise<{ readonly code: number; readonly left: string[] }> {
  const place = await Deno.makeTempDir();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => new Response(new URL(request.url).pathname === "/v1/SHA256SUMS" ? sums : executable),
  );
  try {
    await Deno.writeTextFile(`${place}/fetch`, fileOf("/usr/local/sbin/cloudroutesync-fetch"));
    const url = `http://127.0.0.1:${server.addr.port}/v1/program-linux-x86_64`;
    const { code } = await new Deno.Command("/bin/sh", {
      args: [`${place}/fetch`, url, sha256, `${place}/program`],
      stderr: "null",
    }).output();
    const left: string[] = [];
    for await (const entry of Deno.readDir(place)) if (entry.name !== "fetch") left.push(entry.name);
    if (left.includes("program")) {
      assert.equal(((await Deno.stat(`${place}/program`)).mode ?? 0) & 0o777, 0o755);
    }
    return { code, left };
  } finally {
    await server.shutdown();
    await Deno.remove(place, { recursive: true });
  }
}

Deno.test({
  name: "download script installs the executable whose checksum is right",
  ignore: skips(programMissing("curl")),
  async fn(): Promise<void> {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", executable)).toHex();
    assert.deepEqual(await fetchWith(digest), { code: 0, left: ["program"] });
  },
});

Deno.test({
  name:
    "download script goes by the release's SHA256SUMS where no checksum is given, and by nothing else then",
  ignore: skips(programMissing("curl")),
  async fn(): Promise<void> {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", executable)).toHex();
    const other = `${"00".repeat(32)}  other-program-linux-x86_64\n`;
    assert.deepEqual(await fetchWith("", `${other}${digest}  program-linux-x86_64\n`), {
      code: 0,
      left: ["program"],
    });
    for (const sums of ["", other, `${"00".repeat(32)}  program-linux-x86_64\n`]) {
      const { code, left } = await fetchWith("", sums);
      assert.notEqual(code, 0);
      assert.deepEqual(left, []);
    }
  },
});

Deno.test({
  name: "download script leaves nothing when the checksum is wrong",
  ignore: skips(programMissing("curl")),
  async fn(): Promise<void> {
    const { code, left } = await fetchWith(values.binary_sha256);
    assert.notEqual(code, 0);
    assert.deepEqual(left, []);
  },
});
