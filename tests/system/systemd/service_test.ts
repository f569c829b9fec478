/** The unit under a systemd that runs: what the kernel enforces, and what systemd does when the program starts, hangs and ends. */

import assert from "node:assert/strict";
import { until } from "../until.ts";
import { type Service, serviceTest, stateFolder } from "./service.ts";

/** The values of a line of `/proc/PID/status`. */
function statusLine(status: string, name: string): string[] {
  const line = status.split("\n").find((text) => text.startsWith(`${name}:`));
  assert.ok(line, `no line ${name}`);
  return line.split(/\s+/).slice(1).filter((word) => word !== "");
}

/** Runs a command in the program's mounts and as its user; its exit code may be any. */
async function asService(service: Service, args: readonly string[]): Promise<string> {
  const [uid = ""] = statusLine(await service.proc("status"), "Uid");
  const identity = ["--mount", "--user", "--setuid", uid, "--setgid", uid];
  const { stdout } = await service.guest.run([
    ...["nsenter", "--target", await service.pid(), ...identity],
    ...args,
  ]);
  return stdout;
}

serviceTest("the service is active once the program says READY, not before", async (service) => {
  const settings = "/etc/cloudroutesync.json";
  await service.guest.must(["mkfifo", "--mode=0644", settings]);
  await service.configure({ CONFIG: settings });
  await service.guest.must(["systemctl", "enable", "cloudroutesync"]);
  // Opened for both, it lets the program open it too, and wait for what is in it.
  using pipe = await Deno.open(service.guest.path(settings), { read: true, write: true });
  await service.systemctl("start", "--no-block");
  await until("the program reads its settings", async () => {
    const files = await service.guest.run(["ls", "-l", `/proc/${await service.pid()}/fd`]);
    return files.stdout.includes(settings);
  });
  assert.equal(await service.show("ActiveState"), "activating");
  assert.equal(await service.show("SubState"), "start");
  await pipe.write(new TextEncoder().encode("{}"));
  pipe.close();
  await service.untilShows("ActiveState", /^active$/);
});

serviceTest("the service follows the kernel's routes, and tells how it is doing", async (service) => {
  await service.configure({ LISTEN: "127.0.0.1:9100" });
  await service.start();
  await service.guest.ip("route add 192.0.2.0/24 via 10.0.0.7", "route add 198.51.100.0/24 via 10.0.0.8");
  await service.untilTable("192.0.2.0/24", "198.51.100.0/24");
  await service.untilShows("StatusText", /^2 routes in the cloud, 0 pending, 0 held$/);
  await service.guest.ip("route del 192.0.2.0/24");
  await service.untilTable("198.51.100.0/24");
  await service.untilShows("StatusText", /^1 route in the cloud, 0 pending, 0 held$/);
  assert.match(
    (await service.systemctl("status")).stdout,
    /Status: "1 route in the cloud, 0 pending, 0 held"/,
  );
  await service.guest.must(["curl", "--fail", "--silent", "http://127.0.0.1:9100/readyz"]);
});

serviceTest("the status tells of withdrawals that are held", async (service) => {
  const routes = Array.from({ length: 12 }, (_, index) => `100.64.${index}.0/24`);
  await service.guest.ip(...routes.map((prefix) => `route add ${prefix} via 10.0.0.7`));
  await service.start();
  await service.untilTable(...routes);
  await service.guest.ip(...routes.map((prefix) => `route del ${prefix}`));
  await service.untilShows("StatusText", /^degraded: .* 12 withdrawals are held/);
  assert.equal((await service.table()).length, 12);
});

serviceTest("the program has a user of its own, no capability and a system-call filter", async (service) => {
  await service.start();
  const status = await service.proc("status");
  const uids = statusLine(status, "Uid");
  assert.equal(new Set(uids).size, 1);
  const uid = Number(uids[0]);
  // systemd.exec(5): dynamic users have these numbers.
  assert.ok(uid >= 61184 && uid <= 65519, `uid ${uid}`);
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
    assert.deepEqual(statusLine(status, set), ["0000000000000000"], set);
  }
  assert.deepEqual(statusLine(status, "NoNewPrivs"), ["1"]);
  assert.deepEqual(statusLine(status, "Seccomp"), ["2"]);
  for (const namespace of ["user", "mnt", "uts"]) {
    const own = await service.guest.must(["readlink", `/proc/${await service.pid()}/ns/${namespace}`]);
    assert.notEqual(own, await service.guest.must(["readlink", `/proc/1/ns/${namespace}`]), namespace);
  }
  // What it must see of the machine it sees.
  assert.match(await asService(service, ["cat", "/proc/sys/net/ipv4/ip_forward"]), /^[01]\n$/);
});

serviceTest(
  "under the system-call filter the program gives back what only its start needed",
  async (service) => {
    await service.start();
    // Where the guest's files lie in memory, the executable's pages count as shared.
    const files = async (): Promise<number> => {
      const status = await service.proc("status");
      return ["RssFile", "RssShmem"].reduce((sum, name) => sum + Number(statusLine(status, name)[0]), 0);
    };
    const before = await files();
    await until("a quarter of the files' pages is left", async () => await files() < before * 3 / 4);
    await service.guest.ip("route add 192.0.2.0/24 via 10.0.0.7");
    await service.untilTable("192.0.2.0/24");
  },
);

/** What any user may do, and the program must not; each leaves a zero exit code where it is allowed. */
const forbidden = [
  "unshare --user true", // RestrictNamespaces=
  "ionice --class 3 true", // SystemCallFilter=~@resources
  "setarch --addr-no-randomize true", // LockPersonality=
  "mkdir --mode=4700 set-user-id", // RestrictSUIDSGID=, which DynamicUser= implies
];

serviceTest("the kernel refuses the program what the unit forbids", async (service) => {
  const script = forbidden.map((command) => `${command}; echo $?`).join("\n");
  await Deno.writeTextFile(service.guest.path("/etc/try.sh"), script);
  const asAnyone = "setpriv --reuid=61000 --regid=61000 --clear-groups --no-new-privs env --chdir=/tmp";
  const allowed = await service.guest.must([...asAnyone.split(" "), "sh", "/etc/try.sh"]);
  assert.deepEqual(allowed.trim().split("\n"), forbidden.map(() => "0"));
  await service.override("ExecStartPre=/bin/sh -c 'sh /etc/try.sh >tried'");
  await service.start();
  const codes = (await Deno.readTextFile(service.guest.path(`${stateFolder}/tried`))).trim().split("\n");
  assert.equal(codes.length, forbidden.length);
  assert.deepEqual(forbidden.filter((_, index) => codes[index] === "0"), []);
});

serviceTest("the program writes its state folder and a /tmp of its own only", async (service) => {
  await service.start();
  await service.guest.ip("route add 192.0.2.0/24 via 10.0.0.7");
  await service.untilTable("192.0.2.0/24");
  const writableMounts = (await service.proc("mountinfo")).trim().split("\n")
    .map((line) => line.split(" "))
    .filter((fields) => fields[5]?.split(",").includes("rw"))
    .map((fields) => fields[4]);
  assert.deepEqual(writableMounts.toSorted(), ["/dev/pts", "/proc", "/tmp", stateFolder, "/var/tmp"]);
  const search = "( -path /proc -o -path /usr ) -prune -o ( -type d -o -type f ) -writable -print";
  const writable = (await asService(service, ["find", "/", ...search.split(" ")])).trim().split("\n");
  const elsewhere = writable.filter((path) => path !== stateFolder && !path.startsWith(`${stateFolder}/`));
  assert.deepEqual(elsewhere.toSorted(), ["/tmp", "/var/tmp"]);
  assert.ok(writable.includes(stateFolder));
  const [uid = ""] = statusLine(await service.proc("status"), "Uid");
  const written = (await service.guest.must(["find", "/", "-xdev", "-user", uid, "-type", "f"]))
    .trim().split("\n");
  assert.ok(written.length >= 1);
  assert.deepEqual(written.filter((path) => !path.startsWith(`${stateFolder}/`)), []);
});

serviceTest("stopping ends the program with success, and its routes stay", async (service) => {
  await service.guest.ip("route add 192.0.2.0/24 via 10.0.0.7");
  await service.start();
  await service.untilTable("192.0.2.0/24");
  assert.equal((await service.systemctl("stop")).code, 0);
  assert.equal(await service.show("ActiveState"), "inactive");
  assert.equal(await service.show("Result"), "success");
  assert.equal(await service.show("ExecMainCode"), "1");
  assert.equal(await service.show("ExecMainStatus"), "0");
  assert.deepEqual(await service.table(), ["192.0.2.0/24"]);
});

serviceTest(
  "a cloud that takes its time is told as pending, and is given the time at the end",
  async (service) => {
    await service.guest.ip("route add 192.0.2.0/24 via 10.0.0.7");
    await service.configure({ LOCAL_LATENCY: "6s", WITHDRAW_ON_EXIT: "true" });
    await service.start();
    await service.untilShows("StatusText", /^0 routes in the cloud, 1 pending, 0 held$/);
    await service.untilTable("192.0.2.0/24");
    assert.equal((await service.systemctl("stop")).code, 0);
    assert.equal(await service.show("Result"), "success");
    assert.deepEqual(await service.table(), []);
  },
);

serviceTest("wrong flags end it for good", async (service) => {
  await service.configure({ HOLD: "soon" });
  assert.notEqual((await service.systemctl("start")).code, 0);
  // Were it to be started again, this would be "activating".
  assert.equal(await service.show("ActiveState"), "failed");
  assert.equal(await service.show("ExecMainStatus"), "2");
  assert.equal(await service.show("NRestarts"), "0");
  assert.match(await service.journal(), /CLOUDROUTESYNC_HOLD: /);
});

serviceTest("a program that is killed is started again, and the table is put right", async (service) => {
  await service.guest.ip("route add 192.0.2.0/24 via 10.0.0.7", "route add 198.51.100.0/24 via 10.0.0.7");
  await service.start();
  await service.untilTable("192.0.2.0/24", "198.51.100.0/24");
  const killed = await service.pid();
  await service.signal("SIGKILL");
  await service.guest.ip("route del 198.51.100.0/24", "route add 203.0.113.0/24 via 10.0.0.7");
  await service.untilTable("192.0.2.0/24", "203.0.113.0/24");
  await service.untilShows("ActiveState", /^active$/);
  assert.equal(await service.show("NRestarts"), "1");
  assert.notEqual(await service.pid(), killed);
});

serviceTest(
  "the watchdog leaves a program that lives alone, and replaces one that hangs",
  async (service) => {
    const watchdogSec = 6;
    await service.override(`WatchdogSec=${watchdogSec}`);
    await service.guest.ip("route add 192.0.2.0/24 via 10.0.0.7");
    await service.start();
    const first = await service.pid();
    const started = Number(await service.show("ActiveEnterTimestampMonotonic"));
    await until("the watchdog has heard of it for longer than it would wait", async () => {
      const heard = Number(await service.show("WatchdogTimestampMonotonic"));
      return heard - started > 1.5 * watchdogSec * 1e6;
    });
    assert.equal(await service.pid(), first);
    await service.signal("SIGSTOP");
    await service.untilShows("NRestarts", /^1$/);
    await service.untilShows("ActiveState", /^active$/);
    assert.notEqual(await service.pid(), first);
    assert.match(await service.journal(), /Watchdog timeout/);
    await service.guest.ip("route add 198.51.100.0/24 via 10.0.0.7");
    await service.untilTable("192.0.2.0/24", "198.51.100.0/24");
  },
);
