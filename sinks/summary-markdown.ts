import type { Sink } from '../metrics/sink.ts';
import type { Summary } from '../metrics/summary.ts';
import { createFileSink, type FileSinkOptions } from './file-sink.ts';
import { formatDuration, formatPair, formatValue } from './format.ts';
import { failureCounts, keyFigures, worstRows } from './key-figures.ts';
import { serverWords } from './machine-words.ts';
import { escapeCell, table } from './markdown-table.ts';
import { extentWords, tagWords, thresholdWords, verdictWords } from './words.ts';

export const SUMMARY_MD = 'summary.md';
/** More rows than this and nobody reads the table. */
const MOST_ROWS = 40;

/** `summary.md`: the results for a pull request's comment or a CI job's summary page. */
export function createSummaryMarkdownSink(options: FileSinkOptions): Sink {
  return createFileSink('summary.md', SUMMARY_MD, renderMarkdown, options);
}

export function renderMarkdown(summary: Summary): string {
  const { word, sentence } = verdictWords(summary);
  const marks = { pass: '✅', fail: '❌', inconclusive: '⚠️', error: '❌' };
  return `${[
    `# ${marks[summary.verdict]} ${escapeCell(summary.run.name)}: ${word.toLowerCase()}`,
    `${escapeCell(sentence)} ${extentWords(summary)}`,
    ...thresholdSection(summary),
    ...figureSection(summary),
    ...failureSection(summary),
    ...errorSection(summary),
    ...serverSection(summary),
    ...generatorSection(summary),
    runSection(summary),
  ].join('\n\n')}\n`;
}

function thresholdSection({ thresholds }: Summary): string[] {
  if (thresholds.length === 0) return [];
  const rows = thresholds.map((threshold) => {
    const { what, where, mustBe, observed } = thresholdWords(threshold);
    return [threshold.ok ? '✅ met' : '❌ crossed', what, where, observed, mustBe];
  });
  return ['## Thresholds', table(['', 'Figure', 'Of', 'Observed', 'Must be'], rows)];
}

function figureSection(summary: Summary): string[] {
  const { rows, leftOut } = worstRows(keyFigures(summary), MOST_ROWS);
  if (rows.length === 0) return ['Nothing was measured on any stream.'];
  const cells = rows.map((row) => [
    tagWords(row.tags),
    String(row.started),
    String(row.failed),
    formatPair(row.firstFrame?.med, row.firstFrame?.p95, 'ms'),
    formatPair(row.latency?.med, row.latency?.p95, 'ms'),
    String(row.stalls),
    formatValue(row.stallRatio, 'ratio'),
    formatValue(row.receivedBps, 'bit/s'),
  ]);
  const head = [
    'Viewers of',
    'Sessions',
    'Failed',
    'First frame, median / p95',
    'Latency, median / p95',
    'Stalls',
    'Stalled time',
    'Bitrate',
  ];
  return [
    '## Figures',
    table(head, cells),
    ...(leftOut > 0
      ? [`The ${rows.length} rows where it went worst; ${leftOut} more are in \`summary.json\`.`]
      : []),
  ];
}

function failureSection(summary: Summary): string[] {
  const failures = failureCounts(summary);
  if (failures.length === 0) return [];
  const rows = failures
    .slice(0, MOST_ROWS)
    .map(({ reason, tags, count }) => [reason, tagWords(tags), String(count)]);
  return ['## Failed sessions', table(['Reason', 'Of', 'Sessions'], rows)];
}

function errorSection({ errors }: Summary): string[] {
  if (errors.length === 0) return [];
  const rows = errors.slice(0, MOST_ROWS).map(({ code, count, example }) => [code, String(count), example]);
  return ['## Errors', table(['Code', 'Count', 'Example'], rows)];
}

function serverSection({ server }: Summary): string[] {
  const rows = serverWords(server).map(({ name, mean, highest }) => [name, mean, highest]);
  return rows.length === 0 ? [] : ['## Server under test', table(['Figure', 'Mean', 'Highest second'], rows)];
}

function generatorSection({ generator }: Summary): string[] {
  return generator.valid ? [] : ['## Load generator', ...generator.reasons.map(escapeCell)];
}

function runSection({ run }: Summary): string {
  const facts = [
    `${formatDuration(run.durationMs)} from ${run.startedAt}`,
    ...(run.target ? [`target ${run.target}`] : []),
    `streamgauge ${run.version}`,
    `${run.host.cpus} × ${run.host.cpu}`,
  ];
  return escapeCell(facts.join(' · '));
}
