import path from 'node:path';
import { queryRun, streamQuery, type TakeRows } from '../../sinks/query.ts';
import { remakeReports } from '../../sinks/remake.ts';
import { renderSummaryJson } from '../../sinks/summary-json.ts';
import type { Context } from '../command.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';
import { renderConclusion } from '../run/conclusion.ts';
import { relativePath } from '../run/run-folder.ts';
import type { Terminal } from '../terminal.ts';
import { mergeRuns } from './merge-runs.ts';
import { renderRows } from './render-rows.ts';

export interface ReportFlags {
  readonly folder: string;
  readonly sql: string | undefined;
  readonly json: boolean;
}

/** `streamgauge report`: the reports of an old run anew, or an answer from its store. */
export async function runReport(
  { folder, sql, json }: ReportFlags,
  { terminal, interrupted }: Context,
): Promise<ExitCode> {
  try {
    if (sql !== undefined) {
      if (json) await printRows(folder, sql, terminal, interrupted);
      else {
        const { columns, rows } = await queryRun(folder, sql, interrupted);
        terminal.out(renderRows(columns, rows));
      }
      return exitCodes.passed;
    }
    const summary = await remakeReports(folder);
    const report = relativePath(path.resolve(folder, 'report.html'));
    terminal.out(json ? renderSummaryJson(summary) : renderConclusion(summary, report, terminal.outColours));
    return exitCodes.passed;
  } catch (error) {
    if (interrupted.aborted) return exitCodes.stoppedBySignal;
    // No such folder, no such store, a query that is none: each is one sentence.
    throw new CommandError(exitCodes.invalidScenario, (error as Error).message);
  }
}

/** One JSON array, row by row as they come. What went wrong before the first row leaves standard output empty. */
async function printRows(
  folder: string,
  sql: string,
  terminal: Terminal,
  interrupted: AbortSignal,
): Promise<void> {
  let before = '[';
  const take: TakeRows = async (columns, rows) => {
    if (rows.length === 0) return true;
    const objects = rows.map((row) =>
      JSON.stringify(Object.fromEntries(columns.map((name, i) => [name, row[i]]))),
    );
    const text = `${before}${objects.join(',')}`;
    before = ',';
    return terminal.outTaken(text);
  };
  await streamQuery(folder, sql, take, interrupted);
  terminal.out(before === '[' ? '[]\n' : ']\n');
}

export interface MergeFlags {
  readonly shards: readonly string[];
  readonly out: string | undefined;
  readonly json: boolean;
}

/** `streamgauge report merge`: one run of its shards, with the exit code that it would have had in one process. */
export async function runMerge({ shards, out, json }: MergeFlags, { terminal }: Context): Promise<ExitCode> {
  try {
    const { summary, folder } = await mergeRuns(shards, out);
    const report = relativePath(path.join(folder, 'report.html'));
    terminal.out(json ? renderSummaryJson(summary) : renderConclusion(summary, report, terminal.outColours));
    return summary.exitCode as ExitCode;
  } catch (error) {
    throw new CommandError(exitCodes.invalidScenario, (error as Error).message);
  }
}
