/** Changes of a prefix's list of routes; each returns a new list. */

/** `body` in the place of `old`. */
export function replaced(routes: readonly number[], old: number, body: number): number[] {
  return routes.with(routes.indexOf(old), body);
}

/** Without the first `gone`. */
export function removed(routes: readonly number[], gone: number): number[] {
  return routes.toSpliced(routes.indexOf(gone), 1);
}

/** With `body` before the first route that `isBehind` accepts, or at the end. */
export function insertBefore(
  routes: readonly number[],
  body: number,
  isBehind: (route: number) => boolean,
): number[] {
  const at = routes.findIndex(isBehind);
  return at < 0 ? [...routes, body] : routes.toSpliced(at, 0, body);
}
