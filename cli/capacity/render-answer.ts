import type { CapacityReport } from '../../metrics/capacity.ts';
import { levelCells, levelHead, WHY } from '../../sinks/capacity/markdown.ts';
import { answerWords, detailWords } from '../../sinks/capacity/words.ts';
import { alignColumns } from '../run/conclusion.ts';
import type { Colours } from '../terminal.ts';

/** What a person reads at the end of a search: every level, the answer, and where the report is. */
export function renderAnswer(
  report: CapacityReport,
  reportPath: string,
  resume: string | null,
  colours: Colours,
): string {
  const { word, sentence } = answerWords(report);
  const colour = { 0: colours.green, 96: colours.magenta, 99: colours.red }[report.exitCode ?? 1];
  const sections = [
    levelsTable(report, colours),
    `${(colour ?? colours.yellow)(colours.bold(word))} (exit code ${report.exitCode}). ${sentence}`,
    detailWords(report).join('\n'),
    `Report: ${reportPath}`,
    resume ?? '',
  ];
  return `\n${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** All columns but the last one, which is whole sentences and was told when the level ended. */
function levelsTable(report: CapacityReport, colours: Colours): string {
  if (report.levels.length === 0) return '';
  const rows = [levelHead(report), ...report.levels.map(levelCells)].map((cells) => cells.slice(0, WHY));
  const [head = '', ...lines] = alignColumns(rows, [true, true, false]);
  const paint = { good: colours.green, bad: colours.red, inconclusive: colours.magenta };
  return [
    colours.dim(head.toLowerCase()),
    ...lines.map((line, index) => paint[report.levels[index]!.verdict](line)),
  ].join('\n');
}
