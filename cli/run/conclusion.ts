import type { Summary } from '../../metrics/summary.ts';
import { formatValue } from '../../sinks/format.ts';
import { type KeyFigures, keyFigures, worstRows } from '../../sinks/key-figures.ts';
import { extentWords, tagWords, thresholdWords, verdictWords } from '../../sinks/words.ts';
import type { Colours } from '../terminal.ts';

/** Streams that are shown one by one; a run with more shows the worst. */
const MAX_ROWS = 12;
const MAX_ERRORS = 5;

/** What a person reads at the end of a run: figures, thresholds, what went wrong, the verdict, and where the report is. */
export function renderConclusion(summary: Summary, reportPath: string | null, colours: Colours): string {
  const sections = [
    figuresTable(summary, colours),
    thresholdsTable(summary, colours),
    errorsList(summary, colours),
    verdictLine(summary, colours),
    reportPath === null ? '' : `Report: ${reportPath}`,
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function figuresTable(summary: Summary, colours: Colours): string {
  const all = keyFigures(summary);
  const extent = extentWords(summary);
  if (all.length === 0) return extent;
  const distinct = all.filter((row) => isDistinct(row, all));
  const { rows, leftOut } = worstRows(distinct, MAX_ROWS);
  const head = [
    '',
    'sessions',
    'failed',
    'first frame p50',
    'p95',
    'latency p50',
    'p95',
    'stalls',
    'stalled',
    'per viewer',
  ];
  const lines = alignColumns([head, ...rows.map(figuresRow)]);
  const [headLine = '', ...rest] = lines;
  const more = leftOut > 0 ? [colours.dim(`… and ${leftOut} streams that did better`)] : [];
  return [extent, '', colours.dim(headLine), ...rest, ...more].join('\n');
}

/** A protocol that is the only one, or a stream that is its protocol's only one, would be the row above once more. */
function isDistinct({ tags }: KeyFigures, all: readonly KeyFigures[]): boolean {
  if (tags.protocol === undefined) return true;
  const depth = tags.stream === undefined ? 1 : 2;
  const siblings = all.filter(
    (other) =>
      Object.keys(other.tags).length === depth &&
      (depth === 1 ? other.tags.protocol !== undefined : other.tags.protocol === tags.protocol),
  );
  return siblings.length > 1;
}

function figuresRow(row: KeyFigures): string[] {
  return [
    tagWords(row.tags),
    String(row.started),
    String(row.failed),
    formatMs(row.firstFrame?.med),
    formatMs(row.firstFrame?.p95),
    formatMs(row.latency?.med),
    formatMs(row.latency?.p95),
    String(row.stalls),
    row.stallRatio === null ? '–' : formatValue(row.stallRatio, 'ratio'),
    row.receivedBps === null ? '–' : formatValue(row.receivedBps, 'bit/s'),
  ];
}

function formatMs(value: number | undefined): string {
  return value === undefined ? '–' : formatValue(value, 'ms');
}

function thresholdsTable({ thresholds, verdict }: Summary, colours: Colours): string {
  if (thresholds.length === 0) return '';
  const judged = verdict === 'pass' || verdict === 'fail';
  const lines = alignColumns(
    thresholds.map((threshold) => {
      const { what, where, mustBe, observed } = thresholdWords(threshold);
      return [where === 'all' ? what : `${what} (${where})`, observed, `must be ${mustBe}`];
    }),
    [false, true, false],
  );
  return thresholds
    .map(({ ok, observed }, index) => {
      const unknown = !judged && observed === null;
      const mark = unknown ? '·' : ok ? colours.green('✓') : colours.red('✗');
      return `${mark} ${judged ? lines[index] : colours.dim(lines[index] ?? '')}`;
    })
    .join('\n');
}

function errorsList(summary: Summary, colours: Colours): string {
  // What broke the run is in the verdict's sentence.
  const errors = summary.errors.filter(({ code }) => code !== 'run-failed');
  if (errors.length === 0) return '';
  const shown = errors.slice(0, MAX_ERRORS).map(({ code, count, example }) => {
    const times = count === 1 ? '' : ` × ${count}`;
    return `${colours.red(`${code}${times}`)}  ${example}`;
  });
  const more = errors.length > MAX_ERRORS ? [`… and ${errors.length - MAX_ERRORS} more kinds`] : [];
  return [...shown, ...more].join('\n');
}

function verdictLine(summary: Summary, colours: Colours): string {
  const { word, sentence } = verdictWords(summary);
  const colour = {
    pass: colours.green,
    fail: colours.red,
    inconclusive: colours.magenta,
    error: colours.red,
  };
  return `${colour[summary.verdict](colours.bold(word))} (exit code ${summary.exitCode}). ${sentence}`;
}

/** Columns as wide as their widest cell; numbers to the right, the first column to the left. */
export function alignColumns(rows: readonly (readonly string[])[], right: readonly boolean[] = []): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return (right[column] ?? column > 0) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
