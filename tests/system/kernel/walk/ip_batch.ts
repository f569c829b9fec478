/** An `ip -batch` that stays: to start one for each handful of commands costs more than the commands. */

/** What no `ip` knows: its complaint, which is not buffered, says that all before it is done. */
const marker = "done?";

/** The complaint about the marker, and about its line. */
const markerComplaint = /^Object "done\?".*\n.*\n/m;

/** What is written when `ip` has ended. */
const ended = "ip has ended";

/** `ip` ends at a command like this, as at any of which it makes no sense. */
const lastCommand = "link help";

/** `ip` takes so many bytes with one read, so that none is left for its successor. */
const bytesAtOnce = 4096;

/** One process after the other, the first one started when it is needed. */
export class IpBatch implements Disposable {
  readonly #options: readonly string[];
  readonly #folder = Deno.makeTempDirSync({ prefix: "cloudroutesync-ip-" });
  readonly #commands: Deno.FsFile;
  readonly #complaints: Deno.FsFile;
  readonly #buffer = new Uint8Array(65_536);
  #child: Deno.ChildProcess | null = null;

  /** @param options of `ip`: `-6`. */
  constructor(options: readonly string[]) {
    this.#options = options;
    [this.#commands, this.#complaints] = [this.#pipe("commands"), this.#pipe("complaints")];
  }

  /** Runs command lines one after the other, whatever comes of each. @returns how many the kernel, or `ip`, refused. */
  run(lines: readonly string[]): number {
    return lines.reduce((refused, line) => refused + this.#runBatch([line]), 0);
  }

  /** The same for many lines, none of which ends `ip`. */
  runMany(lines: readonly string[]): number {
    let refused = 0, bytes = marker.length + 1;
    const batch: string[] = [];
    for (const line of lines) {
      bytes += line.length + 1;
      if (bytes > bytesAtOnce) {
        refused += this.#runBatch(batch.splice(0));
        bytes = marker.length + 1 + line.length + 1;
      }
      batch.push(line);
    }
    return batch.length === 0 ? refused : refused + this.#runBatch(batch);
  }

  /** Ends the process: it keeps the numbers of devices by name, whatever becomes of them. */
  forget(): void {
    if (this.#child !== null) this.#runBatch([lastCommand]);
  }

  [Symbol.dispose](): void {
    this.forget();
    this.#commands.close();
    this.#complaints.close();
    Deno.removeSync(this.#folder, { recursive: true });
  }

  /** Runs lines up to one that ends `ip`, which takes the rest with it. */
  #runBatch(lines: readonly string[]): number {
    this.#child ??= this.#start();
    this.#commands.writeSync(new TextEncoder().encode([...lines, marker].join("\n") + "\n"));
    const decoder = new TextDecoder();
    let complaints = "";
    while (!markerComplaint.test(complaints)) {
      const length = this.#complaints.readSync(this.#buffer) ?? 0;
      complaints += decoder.decode(this.#buffer.subarray(0, length), { stream: true });
      if (!complaints.endsWith(`${ended}\n`)) continue;
      this.#child = null;
      break;
    }
    // The marker's own complaint, or the command that ended it.
    return (complaints.match(/^Command failed/gm)?.length ?? 0) + (this.#child === null ? 1 : -1);
  }

  #start(): Deno.ChildProcess {
    const script = `ip "$@" -force -batch - <"$0/commands" >/dev/null 2>"$0/complaints"
      echo "${ended}" >"$0/complaints"`;
    return new Deno.Command("sh", { args: ["-c", script, this.#folder, ...this.#options], stdin: "null" })
      .spawn();
  }

  #pipe(name: string): Deno.FsFile {
    const path = `${this.#folder}/${name}`;
    new Deno.Command("mkfifo", { args: [path] }).outputSync();
    // With both ends open here, opening it waits for nobody.
    return Deno.openSync(path, { read: true, write: true });
  }
}
