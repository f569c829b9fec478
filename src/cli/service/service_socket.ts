/**
 * The running service's own socket: HTTP on a Unix socket in its state folder.
 *
 * | request         | answer                                        |
 * | --------------- | --------------------------------------------- |
 * | `GET /status`   | the status document                           |
 * | `GET /log`      | the last lines of the log, a list of texts    |
 * | `POST /release` | what was released: held withdrawals go now    |
 *
 * Whoever may open the socket may ask; its folder is the service's own (mode 0700). `curl --unix-socket` reaches it too.
 */

import { getLogger } from "@logtape/logtape";
import { systemCause } from "../../clouds/system_cause.ts";

const log = getLogger(["cloudroutesync", "service"]);

/** Who answers. */
export interface ServiceAnswers {
  /** The current status document. */
  readonly status: () => unknown;
  /** The last lines of the log. */
  readonly log: () => readonly string[];
  /** Lets held withdrawals go. */
  readonly release: () => unknown;
}

/**
 * Begins to listen. A socket that a killed service left behind is replaced: the caller holds the lock that keeps a second service
 * away.
 *
 * @param path the socket; Linux takes 107 bytes at most (`sockaddr_un`, unix(7)).
 * @param newFolder the socket's folder, made if it is not there; null: it must be there.
 * @returns null, after a warning, where nobody can listen: the service goes on without.
 */
export async function openServiceSocket(
  path: string,
  newFolder: string | null,
  answers: ServiceAnswers,
): Promise<AsyncDisposable | null> {
  try {
    if (newFolder !== null) await Deno.mkdir(newFolder, { recursive: true, mode: 0o700 });
    await removeIfThere(path);
    const server = Deno.serve({ path, onListen: () => {} }, (request) => answer(request, answers));
    // The folder of the embedded cloud's file may be open to others.
    await Deno.chmod(path, 0o600);
    return {
      [Symbol.asyncDispose]: async () => {
        await server.shutdown();
        await leaveNoSocket(path);
      },
    };
  } catch (cause) {
    const why = systemCause(cause);
    log.warn("Cannot listen on {path}: {why}; status and release do not reach this service", {
      event: "socket",
      path,
      why,
    });
    return null;
  }
}

function answer(request: Request, answers: ServiceAnswers): Response {
  switch (`${request.method} ${new URL(request.url).pathname}`) {
    case "GET /status":
      return Response.json(answers.status());
    case "GET /log":
      return Response.json(answers.log());
    case "POST /release":
      return Response.json(answers.release());
    default:
      return Response.json({ error: "Ask GET /status, GET /log or POST /release" }, { status: 404 });
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** At the end nothing depends on it: the next service replaces a socket that was left behind. */
async function leaveNoSocket(path: string): Promise<void> {
  try {
    await removeIfThere(path);
  } catch (cause) {
    log.warn("Cannot remove the socket {path}: {why}; it does no harm", {
      event: "socket-left",
      path,
      why: systemCause(cause),
    });
  }
}
