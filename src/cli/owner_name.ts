/** `-owner`: a name that becomes part of tags, route names and file names. */

import { createHash } from "node:crypto";

/** Stands at the end of a name for the node: one setting of all nodes of a cluster gives each an owner of its own. */
const nodeMark = "@node";
/** Hexadecimal digits that stand for a node's name, of which 5,000 differ with a chance of 99,999 in 100,000. */
const nodeDigits = 10;

/**
 * An owner's name: `cloudroutesync`, or with `kubernetes@node` one that is this node's, such as `kubernetes-1a2b3c4d5e`.
 *
 * Nodes' own names are too long for what a route's name may hold, so digits stand for them; they are the same at each start.
 *
 * @param readNode reads `-node`; null if it is not given. Asked for only where the name needs it.
 * @throws {SyntaxError} if the name fits no tag, or there is no node to name.
 */
export function ownerName(text: string, readNode: () => string | null): string {
  if (isSharedOwner(text)) return checked(text, 31);
  const base = checked(text.slice(0, -nodeMark.length), 31 - nodeDigits - 1);
  const node = readNode();
  if (node === null || node === "") {
    throw new SyntaxError(`"${text}" asks for the node's name: give it with -node`);
  }
  return `${base}-${createHash("sha256").update(node).digest("hex").slice(0, nodeDigits)}`;
}

/** Whether `-owner` names an owner that several instances may have. */
export function isSharedOwner(text: string): boolean {
  return !text.endsWith(nodeMark);
}

function checked(name: string, most: number): string {
  if (/^[a-z][a-z0-9-]*$/.test(name) && name.length <= most) return name;
  throw new SyntaxError(
    `"${name}" is not a name of 1 to ${most} lower-case letters, digits and dashes that begins with a letter`,
  );
}
