import type { CapacityReport, Level } from '../../metrics/capacity.ts';
import { formatDuration } from '../format.ts';
import { escapeCell, table } from '../markdown-table.ts';
import { answerWords, detailWords, figureText, loadWords, reasonOf, verdictNames } from './words.ts';

export const CAPACITY_MD = 'capacity.md';

/** `capacity.md`: the answer for a pull request's comment or a wiki. */
export function renderCapacityMarkdown(report: CapacityReport): string {
  const { word, sentence } = answerWords(report);
  const { run } = report;
  return `${[
    `# ${escapeCell(run.name)}: ${escapeCell(word)}`,
    escapeCell(sentence),
    ...detailWords(report).map((text) => `- ${escapeCell(text)}`),
    '## Levels',
    table(
      levelHead,
      report.levels.map((level) => levelCells(level, report)),
    ),
    '## What had to hold',
    ...report.thresholds.map((text) => `- ${escapeCell(text)}`),
    escapeCell(
      [
        `${formatDuration(run.durationMs)} from ${run.startedAt}`,
        ...(run.target ? [`target ${run.target}`] : []),
        `streamgauge ${run.version}`,
        `${run.host.cpus} × ${run.host.cpu}`,
      ].join(' · '),
    ),
  ].join('\n\n')}\n`
    .replace(/\n\n- /g, '\n- ')
    .replace(/([^\n])\n- /, '$1\n\n- ');
}

export const levelHead = [
  'Level',
  'Load',
  'Result',
  'Held',
  'First frame p95',
  'Latency p95',
  'Stalled',
  'Failed starts',
  'Received',
  'Server CPU',
  'Why',
];

/** One level as cells of a table. */
export function levelCells(level: Level, { of }: Pick<CapacityReport, 'of'>): string[] {
  const { figures, server } = level;
  const cpu = server['cpu'];
  return [
    String(level.number),
    loadWords(level.load, of),
    verdictNames[level.verdict],
    `${Math.round(level.heldMs / 1000)} s${level.steady ? '' : ', not steady'}`,
    figureText('firstFrameP95Ms', figures.firstFrameP95Ms),
    figureText('latencyP95Ms', figures.latencyP95Ms),
    figureText('stallRatio', figures.stallRatio),
    figureText('startFailureRatio', figures.startFailureRatio),
    figureText('receivedBps', figures.receivedBps),
    typeof cpu === 'number' ? figureText('stallRatio', cpu) : '–',
    reasonOf(level),
  ];
}
