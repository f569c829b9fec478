/** The Debian package: executable, unit, settings, manual page and completions, for Debian 10 and Ubuntu 18.04 or newer. */

import { completionFor } from "../../src/cli/completion/completion.ts";
import { run } from "../shell.ts";
import { defaultsFile } from "./defaults_file.ts";
import type { Machine } from "./machine.ts";
import { type FolderFile, writeFolder } from "./folder.ts";

/** What to pack. */
export interface DebOptions {
  readonly version: string;
  readonly machine: Machine;
  /** Path of the executable. */
  readonly executable: string;
  /** Path of the unit, whose executable is in /usr/local/bin. */
  readonly unit: string;
  readonly manPage: string;
  readonly changelog: string;
  /** Of everything in the executable. */
  readonly licences: string;
  /** The package's path. */
  readonly output: string;
  /** Seconds since the epoch, of every file. */
  readonly time: number;
  /** How hard xz tries, 1 to 9; 0: nothing is compressed. */
  readonly level: number;
}

const scripts = ["postinst", "prerm", "postrm"] as const;
const defaults = "/etc/default/cloudroutesync";

/** Makes the package. @throws {Error} if a file cannot be read or dpkg-deb fails. */
export async function makeDeb(options: DebOptions): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "cloudroutesync-deb-" });
  try {
    const files = await payload(options);
    const size = files.reduce((sum, { content }) => sum + content.length, 0);
    await writeFolder(folder, [...files, ...await control(options, size)], options.time);
    const compression = options.level === 0 ? ["-Znone"] : ["-Zxz", `-z${options.level}`];
    await run(["dpkg-deb", "--root-owner-group", ...compression, "--build", folder, options.output], {
      environment: { SOURCE_DATE_EPOCH: `${options.time}` },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function payload(options: DebOptions): Promise<FolderFile[]> {
  const unit = await Deno.readTextFile(options.unit);
  const share = "usr/share";
  return [
    { path: "usr/bin/cloudroutesync", mode: 0o755, content: await Deno.readFile(options.executable) },
    text("usr/lib/systemd/system/cloudroutesync.service", unit.replaceAll("/usr/local/bin/", "/usr/bin/")),
    // It may come to hold credentials.
    { ...text(defaults.slice(1), defaultsFile()), mode: 0o600 },
    text(`${share}/bash-completion/completions/cloudroutesync`, completionFor("bash")),
    text(`${share}/zsh/vendor-completions/_cloudroutesync`, completionFor("zsh")),
    text(`${share}/fish/vendor_completions.d/cloudroutesync.fish`, completionFor("fish")),
    { path: `${share}/man/man8/cloudroutesync.8.gz`, mode: 0o644, content: await gzip(options.manPage) },
    { path: `${share}/doc/cloudroutesync/changelog.gz`, mode: 0o644, content: await gzip(options.changelog) },
    text(`${share}/doc/cloudroutesync/copyright`, copyright),
    { path: `${share}/doc/cloudroutesync/licences.gz`, mode: 0o644, content: await gzip(options.licences) },
  ];
}

async function control(options: DebOptions, size: number): Promise<FolderFile[]> {
  const folder = new URL("debian/", import.meta.url);
  const maintainer = await Promise.all(scripts.map(async (name) => ({
    path: `DEBIAN/${name}`,
    mode: 0o755,
    content: await Deno.readFile(new URL(name, folder)),
  })));
  return [
    text("DEBIAN/control", controlFile(options, size)),
    text("DEBIAN/conffiles", `${defaults}\n`),
    ...maintainer,
  ];
}

function controlFile({ version, machine }: DebOptions, size: number): string {
  return `Package: cloudroutesync
Version: ${version}
Architecture: ${machine.architecture}
Maintainer: The cloudroutesync authors <cloudroutesync@users.noreply.github.com>
Installed-Size: ${Math.ceil(size / 1024)}
Depends: libc6 (>= 2.27), libgcc-s1 | libgcc1
Recommends: ca-certificates
Section: net
Priority: optional
Homepage: https://github.com/networkop/cloudroutesync
Description: keeps a cloud's route table in step with the kernel's routes
 Reads the routes that a routing daemon (FRR, BIRD, Quagga, kube-router,
 Calico) puts into the kernel of a virtual machine, and writes them to the
 route table of Azure, AWS, Google Cloud or OpenStack.
`;
}

const copyright = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: cloudroutesync
Source: https://github.com/networkop/cloudroutesync

Files: *
Copyright: the cloudroutesync authors
License: Apache-2.0
 On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0.
 The licences of the packages in the executable are in licences.gz.
`;

function text(path: string, content: string): FolderFile {
  return { path, mode: 0o644, content: new TextEncoder().encode(content) };
}

/** Gzip without a name and a time. */
async function gzip(content: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([content]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
