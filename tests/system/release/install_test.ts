/** install.sh on a machine with a systemd of its own: what it refuses, what it installs, keeps and removes. */

import assert from "node:assert/strict";
import type { CommandResult } from "../namespace.ts";
import { executableName, version } from "./release_files.ts";
import { type InstallGuest, installTest, place, program, settings, unit } from "./install_guest.ts";

const record = "/usr/local/share/cloudroutesync/installed";

/** Runs install.sh where it must refuse: one sentence, and every file as before. */
async function refuses(install: InstallGuest, sentence: RegExp, ...args: readonly string[]): Promise<void> {
  const before = await install.filesBefore();
  const { code, stdout, stderr } = await install.install(...args);
  assert.equal(code, 1, stderr);
  assert.equal(stdout, "");
  assert.match(stderr, /^install\.sh: [^\n]+\n$/);
  assert.match(stderr, sentence);
  assert.equal(await install.filesNow(), before);
}

/** The same, while a command says something else. */
async function refusesWith(
  install: InstallGuest,
  command: string,
  script: string,
  sentence: RegExp,
): Promise<void> {
  await install.stub(command, script);
  await refuses(install, sentence);
  await install.unstub(command);
}

/** A machine takes seconds to boot: what leaves it as it was shares one. */
installTest(
  "install.sh refuses, installs, keeps what was changed, and removes the rest",
  async (install, test) => {
    await test.step("it says in one sentence why it cannot install, and leaves nothing behind", () =>
      refusesWhereItCannot(install));
    await test.step("it installs nothing that is not what SHA256SUMS says, or does not run", () =>
      refusesWrongFiles(install));
    await test.step("it installs the service over HTTP, keeps what was changed, and removes the rest", () =>
      installsAndRemoves(install));
  },
);

async function refusesWhereItCannot(install: InstallGuest): Promise<void> {
  const { guest } = install;
  await refuses(install, /unknown argument --no-such/, "--no-such");
  await refuses(install, /nothing to remove/, "--uninstall");
  await refuses(install, /cannot copy \/no\/such\/SHA256SUMS/, "--from", "/no/such");
  await refusesWith(install, "id", "echo 1000", /must be run by root/);
  await refusesWith(
    install,
    "uname",
    "case $1 in -s) echo Linux ;; *) echo riscv64 ;; esac",
    /no executable for this machine, which is riscv64/,
  );
  await refusesWith(install, "uname", "echo FreeBSD", /this system is FreeBSD/);
  await refusesWith(install, "getconf", "echo glibc 2.26", /glibc is 2\.26: cloudroutesync needs 2\.27/);
  await refusesWith(install, "getconf", "exit 1", /no glibc.*musl/);
  await refusesWith(
    install,
    "dpkg-query",
    "echo install ok installed",
    /the package cloudroutesync is installed/,
  );
  await refusesWith(
    install,
    "df",
    'echo; echo "tmpfs 1 1 20480 1% /"',
    /has 20 MB left: the installation needs 136 MB/,
  );

  await install.write(program, "somebody else's");
  await refuses(install, /was not installed by this script/);
  await Deno.remove(guest.path(program));
  install.forget();

  const systemd = "/run/systemd/system";
  await guest.must(["mv", systemd, `${systemd}.away`]);
  await refuses(install, /not run by systemd/);
  await guest.must(["mv", `${systemd}.away`, systemd]);
}

async function refusesWrongFiles(install: InstallGuest): Promise<void> {
  const { guest } = install;
  const packed = `${place}/${executableName}.xz`;
  await guest.must(["cp", packed, "/root/packed"]);
  await guest.must(["sh", "-c", `echo more >>${packed}`]);
  await refuses(install, /the checksum of .* is wrong: nothing was installed/);
  await guest.must(["cp", "/root/packed", packed]);

  const sums = await install.read(`${place}/SHA256SUMS`);
  await install.write(`${place}/SHA256SUMS`, sums.replace(/.*cloudroutesync\.service\n/, ""));
  await refuses(install, /SHA256SUMS of .* says nothing of cloudroutesync\.service/);
  await install.write(`${place}/SHA256SUMS`, sums);

  // A disk that is smaller than it says.
  await guest.must(["mount", "-t", "tmpfs", "-o", "size=60m", "small", "/usr/local/bin"]);
  install.forget();
  await refusesWith(
    install,
    "df",
    'echo; echo "tmpfs 1 1 999999 1% /"',
    /cannot (copy|unpack) .*[Nn]o space left/,
  );
  await refuses(install, /has \d+ MB left/);
  await guest.must(["umount", "/usr/local/bin"]);
  install.forget();

  const library =
    (await guest.must(["sh", "-c", "ls /lib/*/libgcc_s.so.1 /lib64/libgcc_s.so.1 2>/dev/null || true"]))
      .split("\n")[0] ?? "";
  await guest.must(["mount", "--bind", "/dev/null", library]);
  await refuses(install, /libgcc_s\.so\.1 is missing: install libgcc-s1/);
  await guest.must(["umount", library]);
}

async function installsAndRemoves(install: InstallGuest): Promise<void> {
  const { guest } = install;
  const { code, stdout, stderr } = await installOverHttp(install);
  assert.equal(stderr, "");
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    new RegExp(`^cloudroutesync ${version} .*\\n.*systemctl enable --now cloudroutesync\\n$`, "s"),
  );
  assert.equal(await install.show("ActiveState"), "inactive");
  assert.equal(((await Deno.stat(guest.path(settings))).mode ?? 0) & 0o777, 0o600);
  assert.equal(
    await install.read("/usr/local/share/bash-completion/completions/cloudroutesync"),
    await install.read(`${place}/cloudroutesync.bash`),
  );
  assert.doesNotMatch(await install.files(), /cloudroutesync-install/);

  // The administrator's own settings.
  await install.write(settings, 'CLOUDROUTESYNC_CLOUD="local"\nCLOUDROUTESYNC_EVENT="true"\n');
  await guest.must(["systemctl", "enable", "--now", "cloudroutesync"]);
  const first = await install.show("MainPID");
  const before = await install.files();

  // The same version again changes no file, and the running service goes on with it.
  const again = await install.install();
  assert.equal(again.code, 0, again.stderr);
  assert.equal(await install.files(), before);
  assert.equal(await install.show("ActiveState"), "active");
  assert.notEqual(await install.show("MainPID"), first);

  // A newer one brings other settings and another unit; the changed settings stay, the new ones lie beside.
  await guest.must([
    "sh",
    "-c",
    `cd ${place} && echo '# newer' >>cloudroutesync.default && echo '# newer' >>cloudroutesync.service &&
    sha256sum $(cut -d' ' -f3 SHA256SUMS | xargs ls 2>/dev/null) >sums && mv sums SHA256SUMS`,
  ]);
  const newer = await install.install("--from", place);
  assert.equal(newer.code, 0, newer.stderr);
  assert.match(
    newer.stdout,
    /^\/etc\/default\/cloudroutesync was changed and stays as it is; this version's is .*\.new$/m,
  );
  assert.match(await install.read(settings), /^CLOUDROUTESYNC_CLOUD="local"$/m);
  assert.match(await install.read(`${settings}.new`), /# newer/);
  assert.match(await install.read(unit), /# newer/);

  const removed = await install.install("--uninstall");
  assert.equal(removed.code, 0, removed.stderr);
  assert.match(removed.stdout, /^\/etc\/default\/cloudroutesync was changed and stays$/m);
  const left = (await install.files()).split("\n").map((line) => line.split(" ").at(-1) ?? "");
  assert.deepEqual(left.filter((path) => /cloudroutesync/.test(path)), [settings, `${settings}.new`]);
  assert.equal(await install.show("LoadState"), "not-found");
  await assert.rejects(Deno.stat(guest.path(record)), Deno.errors.NotFound);
}

/** Serves the release over HTTP; what is not there is refused, what is there is installed. */
async function installOverHttp(install: InstallGuest): Promise<CommandResult> {
  const { guest } = install;
  const address = "http://127.0.0.1:8123";
  const command = "timeout 60 python3 -m http.server --bind 127.0.0.1 --directory";
  const server = guest.run([...command.split(" "), place, "8123"]);
  await guest.must([
    "sh",
    "-c",
    `until curl --silent --fail --output /dev/null ${address}/SHA256SUMS; do sleep 0.1; done`,
  ]);
  const missing = new RegExp(`cannot fetch ${address}/nowhere/SHA256SUMS: .*404`);
  await refuses(install, missing, "--from", `${address}/nowhere`);
  const result = await install.install("--from", `${address}/`);
  await guest.must(["sh", "-c", "kill $(pidof -x python3 || pidof python3)"]);
  await server;
  return result;
}
