/** Tables that were prepared or foreseen, with and without what was read of them for that. */

import type { CloudTable, PreparedTable, TableReading } from "./cloud.ts";

/** The same tables with other readings; those that have none stay without. */
export function withReadings(
  tables: readonly PreparedTable[],
  change: (reading: TableReading, table: CloudTable) => TableReading,
): readonly PreparedTable[] {
  return tables.map((table) =>
    table.reading === undefined ? table : { ...table, reading: change(table.reading, table) }
  );
}

/** The table alone. */
export function tableAlone({ reading: _, copiesLater: __, ...table }: PreparedTable): CloudTable {
  return table;
}
