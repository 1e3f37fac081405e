import type { CapacityReport, Level } from '../../metrics/capacity.ts';
import { formatDuration } from '../format.ts';
import { escapeCell, table } from '../markdown-table.ts';
import { answerWords, detailWords, figureText, formatLoad, reasonOf, verdictNames } from './words.ts';

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
    table(levelHead(report), report.levels.map(levelCells)),
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

/** Heads of the columns of `levelCells`. */
export function levelHead({ of }: Pick<CapacityReport, 'of'>): string[] {
  return [
    'Level',
    of === 'viewers' ? 'Viewers' : 'Sessions per s',
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
}

/** Place of the column that is whole sentences: the last one. */
export const WHY = 10;
const RESULT = 2;
/** Columns that are no figures. */
export const isText = (column: number): boolean => column === RESULT || column === WHY;
/** Place of the column with the verdict. */
export const isResult = (column: number): boolean => column === RESULT;

/** One level as cells of a table. */
export function levelCells(level: Level): string[] {
  const { figures, server } = level;
  const cpu = server['cpu'];
  return [
    String(level.number),
    formatLoad(level.load),
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
