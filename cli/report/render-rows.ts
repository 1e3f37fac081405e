import { printable } from '../../sinks/printable.ts';

/** A cell wider than this is cut: a line of text shall stay one. */
const MAX_CELL = 60;

/** Rows of a query as a table for people: numbers to the right, everything else to the left. */
export function renderRows(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  if (columns.length === 0) return '';
  const cells = rows.map((row) => row.map(cellText));
  // One by one: a million rows are more than a function takes as arguments.
  const widths = columns.map((name, column) =>
    cells.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), name.length),
  );
  const isNumeric = columns.map((_, column) =>
    rows.every((row) => row[column] === null || typeof row[column] === 'number' || isInteger(row[column])),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        isNumeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  const count = `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`;
  return `${[line(columns), rule, ...cells.map(line), count].join('\n')}\n`;
}

/** 64-bit integers come as text. */
function isInteger(value: unknown): boolean {
  return typeof value === 'string' && /^-?\d+$/.test(value);
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number')
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
  const text = printable(typeof value === 'string' ? value : JSON.stringify(value)).replace(/\s+/g, ' ');
  return text.length > MAX_CELL ? `${text.slice(0, MAX_CELL - 1)}…` : text;
}
