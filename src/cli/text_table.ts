/** Text in columns. */

/** Pads every column but the last to its widest cell; cells are parted by two spaces, rows end in a line feed. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) widen(widths, row);
  return rows.map((row) => alignRow(widths, row)).join("");
}

/** Makes columns as wide as the cells of a row need. @param widths of the columns so far, changed in place. */
export function widen(widths: number[], row: readonly string[]): void {
  for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
}

/** A row as a line, in columns of these widths. */
export function alignRow(widths: readonly number[], row: readonly string[]): string {
  return `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()}\n`;
}
