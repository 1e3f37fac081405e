import path from 'node:path';
import { queryRun } from '../../sinks/query.ts';
import { remakeReports } from '../../sinks/remake.ts';
import { renderSummaryJson } from '../../sinks/summary-json.ts';
import type { Context } from '../command.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';
import { renderConclusion } from '../run/conclusion.ts';
import { relativePath } from '../run/run-folder.ts';
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
      const { columns, rows } = await queryRun(folder, sql, interrupted);
      if (json)
        terminal.out(
          `${JSON.stringify(rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]]))))}\n`,
        );
      else terminal.out(renderRows(columns, rows));
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
