/** moto, the stateful imitation of AWS, as a process. */

import { fileMissing } from "../../needs.ts";

const cache = Deno.env.get("CLOUDROUTESYNC_TEST_CACHE") ??
  new URL("../../../.cache", import.meta.url).pathname;
const motoServer = `${cache}/aws/venv/bin/moto_server`;

/** Why moto cannot be started here, or null. */
export function motoMissing(): string | null {
  return fileMissing(motoServer, "moto", "run .ci/install/aws.sh");
}

/** A running moto. */
export class Moto implements AsyncDisposable {
  private constructor(readonly url: string, readonly process: Deno.ChildProcess) {}

  /** Starts it on a port of the kernel's choice, which it tells on its standard error. */
  static async start(): Promise<Moto> {
    const process = new Deno.Command(motoServer, {
      args: ["-H", "127.0.0.1", "-p", "0"],
      env: { PYTHONUNBUFFERED: "1" },
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const reader = process.stderr.pipeThrough(new TextDecoderStream()).getReader();
    let seen = "";
    while (true) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`Cannot start moto: ${seen}`);
      seen += value;
      const port = /Running on http:\/\/127\.0\.0\.1:(\d+)/.exec(seen)?.[1];
      if (port === undefined) continue;
      void drain(reader);
      return new Moto(`http://127.0.0.1:${port}`, process);
    }
  }

  /** Forgets all that was made. */
  async reset(): Promise<void> {
    const response = await fetch(`${this.url}/moto-api/reset`, { method: "POST" });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`Cannot reset moto: status ${response.status}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.status;
  }
}

/** A full pipe would stop moto: its request log is read and thrown away. */
async function drain(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  while (!(await reader.read()).done);
}
