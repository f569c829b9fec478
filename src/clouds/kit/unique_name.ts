/**
 * What people read of one thing among several: its name, or its id where others have the same name or it has none.
 *
 * @param all the things, this one among them.
 */
export function uniqueName(
  { id, name }: { readonly id: string; readonly name: string },
  all: readonly { readonly name: string }[],
): string {
  const isUnique = name !== "" && all.filter((other) => other.name === name).length === 1;
  return isUnique ? name : id;
}
