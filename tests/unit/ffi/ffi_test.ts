import assert from "node:assert/strict";
import { type Libc, libcPaths, openLibc } from "../../../ffi/libc.ts";
import { NetlinkSocket, nothingWaiting } from "../../../ffi/netlink_socket.ts";
import { SdNotify } from "../../../ffi/sd_notify.ts";
import { errno, errnoName, SystemError } from "../../../ffi/system_error.ts";

const libc = openLibc();

Deno.test("openLibc() opens one of the listed paths", () => {
  assert.ok(libcPaths.includes(libc.path));
});

Deno.test("openLibc() names every path tried when there is none", () => {
  assert.throws(
    () => openLibc(["/nonexistent/a.so", "/nonexistent/b.so"]),
    /Cannot open the C library at any of \/nonexistent\/a\.so, \/nonexistent\/b\.so: .+/,
  );
});

Deno.test("Libc.errno() tells why the last call failed", () => {
  assert.equal(libc.symbols.close(-1), -1);
  assert.equal(libc.errno(), errno.EBADF);
});

Deno.test("errnoName() names what it knows and numbers the rest", () => {
  assert.deepEqual([105, 11, 512].map(errnoName), ["ENOBUFS", "EAGAIN", "errno 512"]);
});

/** What opening a socket fails with where the kernel gives none. */
function refusalOf(value: number): string {
  const refusing: Libc = { ...libc, symbols: { ...libc.symbols, socket: () => -1 }, errno: () => value };
  try {
    NetlinkSocket.open(refusing).close();
  } catch (error) {
    return String(error);
  }
  return "";
}

Deno.test("NetlinkSocket.open() names the sandbox that keeps this process from netlink", () => {
  for (const value of [errno.EAFNOSUPPORT, errno.EPERM]) {
    assert.match(
      refusalOf(value),
      /^SystemError: Cannot open a routing netlink socket: E\w+; a sandbox .* allow AF_NETLINK /,
    );
  }
  assert.equal(refusalOf(errno.EMFILE), "SystemError: Cannot open a routing netlink socket: EMFILE");
});

Deno.test("NetlinkSocket.receive() returns at once when nothing is waiting", () => {
  using socket = NetlinkSocket.open(libc);
  assert.equal(socket.receive(new Uint8Array(64)), nothingWaiting);
});

/** `struct nlmsghdr`: RTM_GETLINK (18), a dump of all links. */
function linkDump(): Uint8Array<ArrayBuffer> {
  const request = new Uint8Array(32);
  new DataView(request.buffer).setUint32(0, 32, true);
  request.set([18, 0, 0x01, 0x03], 4);
  return request;
}

Deno.test("NetlinkSocket takes what the kernel answers, and tells the whole length of what it cut off", async () => {
  using socket = NetlinkSocket.open(libc);
  socket.send(linkDump());
  assert.equal(await socket.wait(), true);
  assert.ok(socket.receive(new Uint8Array(8)) > 8);
});

Deno.test("NetlinkSocket.sendAside() resolves when the kernel has taken the request", async () => {
  using socket = NetlinkSocket.open(libc);
  await socket.sendAside(linkDump());
  assert.ok(socket.receive(new Uint8Array(64 * 1024)) > 0);
});

Deno.test("NetlinkSocket.sendAside() tells what the kernel has against a request", async () => {
  using socket = NetlinkSocket.open(libc);
  // More than the send buffer takes.
  await assert.rejects(
    socket.sendAside(new Uint8Array(64 << 20)),
    new SystemError("send a netlink request", errno.EMSGSIZE),
  );
});

Deno.test("NetlinkSocket.close() lets a request that another thread sends go out first", async () => {
  const socket = NetlinkSocket.open(libc);
  const sent = socket.sendAside(linkDump());
  socket.close();
  await sent;
  assert.equal(await socket.wait(), false);
});

Deno.test("NetlinkSocket.open() gets the receive buffer that it asks for, doubled, or the system's limit", () => {
  using socket = NetlinkSocket.open(libc, { receiveBuffer: 65_536 });
  assert.equal(socket.receiveBuffer, 131_072);
});

Deno.test("NetlinkSocket.join() fails for a group that the kernel does not know", () => {
  using socket = NetlinkSocket.open(libc);
  assert.throws(() => socket.join(9_999), new SystemError("join netlink group 9999", errno.EINVAL));
});

Deno.test("NetlinkSocket.close() ends a wait with false, and closing twice is harmless", async () => {
  const socket = NetlinkSocket.open(libc);
  const waited = socket.wait();
  socket.close();
  socket.close();
  assert.equal(await waited, false);
  assert.equal(await socket.wait(), false);
});

Deno.test("NetlinkSocket.wait() refuses a second wait at the same time", async () => {
  const socket = NetlinkSocket.open(libc);
  const waited = socket.wait();
  await assert.rejects(socket.wait(), /twice at once/);
  socket.close();
  await waited;
});

/** A datagram socket that listens as systemd does. */
class Listener implements Disposable {
  readonly #fd: number;

  /** @param path full path, or a zero byte and an abstract name. */
  constructor(path: string) {
    this.#fd = libc.symbols.socket(1, 2, 0);
    const name = new TextEncoder().encode(path);
    const address = new Uint8Array(2 + name.length);
    address[0] = 1;
    address.set(name, 2);
    assert.equal(libc.symbols.bind(this.#fd, address, address.length), 0);
  }

  heard(): string {
    const buffer = new Uint8Array(512);
    const length = libc.symbols.recv(this.#fd, buffer, 512n, 0x40);
    return length < 0 ? "" : new TextDecoder().decode(buffer.subarray(0, length));
  }

  [Symbol.dispose](): void {
    libc.symbols.close(this.#fd);
  }
}

Deno.test("SdNotify tells a socket with a path what the service does", async () => {
  const folder = await Deno.makeTempDir();
  try {
    using listener = new Listener(`${folder}/notify`);
    using notify = SdNotify.open(libc, `${folder}/notify`);
    notify.ready("12 routes\nin step");
    assert.equal(listener.heard(), "READY=1\nSTATUS=12 routes in step");
    notify.status("13 routes");
    assert.equal(listener.heard(), "STATUS=13 routes");
    notify.watchdog();
    assert.equal(listener.heard(), "WATCHDOG=1");
    notify.stopping();
    assert.equal(listener.heard(), "STOPPING=1");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("SdNotify tells an abstract socket", () => {
  const name = `cloudroutesync-${crypto.randomUUID()}`;
  using listener = new Listener(`\0${name}`);
  using notify = SdNotify.open(libc, `@${name}`);
  assert.equal(notify.watchdog(), true);
  assert.equal(listener.heard(), "WATCHDOG=1");
});

Deno.test("SdNotify does nothing when there is no service manager", () => {
  for (const value of [undefined, ""]) {
    using notify = SdNotify.open(libc, value);
    assert.equal(notify.active, false);
    assert.equal(notify.ready("up"), false);
  }
});

Deno.test("SdNotify drops a message that nobody takes", () => {
  using notify = SdNotify.open(libc, "/nonexistent/notify");
  assert.equal(notify.ready("up"), false);
});

Deno.test("SdNotify does nothing where NOTIFY_SOCKET is no socket's name, as systemd's own library", () => {
  for (const value of ["notify", "./notify", "vsock:2:9999", `/${"a".repeat(108)}`]) {
    using notify = SdNotify.open(libc, value);
    assert.equal(notify.active, false, value);
    assert.equal(notify.ready("up"), false, value);
  }
});
