/** Stands for a dependency with bad intentions: it is loaded after the permissions were narrowed, and tries everything. */

import process from "node:process";

/** Outcome by attempt: `done`, a value that was read, or the error's name. */
export type Outcomes = Readonly<Record<string, string>>;

/** What the attempts aim at. */
export interface Aims {
  readonly library: string;
  /** A folder that the program may write, and a file outside of it. */
  readonly stateFolder: string;
  readonly outside: string;
  /** An address where something listens. */
  readonly server: string;
}

/** Tries each way out of the sandbox, and each thing that must still work. */
export async function tryEverything(aims: Aims): Promise<Outcomes> {
  const attempts: Readonly<Record<string, () => unknown>> = {
    openLibrary: () => Deno.dlopen(aims.library, { getpid: { parameters: [], result: "i32" } }),
    openLibraryElsewhere: () => Deno.dlopen("libm.so.6", {}),
    makePointer: () => Deno.UnsafePointer.create(4096n),
    askForLibraries: () => Deno.permissions.request({ name: "ffi" }),
    startProcess: () => new Deno.Command("/bin/true").output(),
    askForProcesses: () => Deno.permissions.request({ name: "run" }),
    signalProcess: () => Deno.kill(1, 0),
    writeOutside: () => Deno.writeTextFile(aims.outside, "x"),
    linkOutside: () => Deno.symlink("/etc", `${aims.stateFolder}/link`),
    askToWrite: () => Deno.permissions.request({ name: "write", path: "/" }),
    readOutside: () => Deno.readTextFile("/etc/passwd"),
    readMemory: () => Deno.readFile("/proc/self/mem"),
    readEnvironment: () => Deno.env.get("SECRET_OF_ANOTHER"),
    readEnvironmentOfOtherCloud: () => Deno.env.get("AZURE_CLIENT_SECRET"),
    readEnvironmentAsNode: () => process.env["SECRET_OF_ANOTHER"],
    listEnvironment: () => Object.keys(Deno.env.toObject()).sort().join(","),
    importFile: () => import(`file://${aims.outside}`),
    readMachine: () => Deno.hostname(),
    workerWritesOutside: () => writeFromWorker(aims.outside),
    connect: () => fetch(aims.server || "http://127.0.0.1:9/").then((answer) => answer.text()),
    readOwnEnvironment: () => Deno.env.get("AWS_REGION"),
    writeState: () => Deno.writeTextFile(`${aims.stateFolder}/ledger`, "x"),
    readState: () => Deno.readTextFile(`${aims.stateFolder}/ledger`),
  };
  const outcomes: Record<string, string> = {};
  for (const [name, attempt] of Object.entries(attempts)) outcomes[name] = await outcomeOf(attempt);
  return outcomes;
}

async function outcomeOf(attempt: () => unknown): Promise<string> {
  try {
    const value = await attempt();
    if (value instanceof Deno.PermissionStatus) return value.state;
    return typeof value === "string" ? value : value === undefined ? "nothing" : "done";
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

async function writeFromWorker(path: string): Promise<string> {
  const source = `Deno.writeTextFile(${JSON.stringify(path)}, "x")` +
    `.then(() => postMessage("done"), (error) => postMessage(error.name))`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module" });
  const answer = Promise.withResolvers<string>();
  worker.onmessage = ({ data }): void => answer.resolve(String(data));
  worker.onerror = (event): void => {
    event.preventDefault();
    answer.resolve("Error");
  };
  try {
    return await answer.promise;
  } finally {
    worker.terminate();
  }
}
