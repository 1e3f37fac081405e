import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { SCHEMA, type Summary } from '../metrics/summary.ts';
import { RUN_DUCKDB } from './duckdb.ts';
import { fanOut } from './fan-out.ts';
import { createJunitSink } from './junit.ts';
import { timelineMetrics } from './report/timeline.ts';
import { createReportHtmlSink } from './report-html.ts';
import { reasonOf } from './result-file.ts';
import { readStoredPoints } from './stored-points.ts';
import { SUMMARY_JSON } from './summary-json.ts';
import { createSummaryMarkdownSink } from './summary-markdown.ts';

/**
 * Makes `summary.md`, `junit.xml` and `report.html` of an existing run folder anew from `summary.json` and
 * `run.duckdb`. Without a store the report is made all the same, and says that it has no data to plot.
 * @returns the run's summary
 * @throws Error with one clear sentence
 */
export async function remakeReports(folder: string): Promise<Summary> {
  const summary = await readSummary(folder);
  const points = existsSync(path.join(folder, RUN_DUCKDB))
    ? await readStoredPoints(folder, timelineMetrics)
    : [];
  const sinks = fanOut('reports', [
    createSummaryMarkdownSink({ folder }),
    createJunitSink({ folder }),
    createReportHtmlSink({ folder }),
  ]);
  await sinks.open(summary.run);
  sinks.second(points);
  await sinks.close(summary);
  return summary;
}

/**
 * Reads a run's `summary.json`.
 * @throws Error with one clear sentence: not there, not JSON, or of another schema
 */
export async function readSummary(folder: string): Promise<Summary> {
  const file = path.join(folder, SUMMARY_JSON);
  let summary: Summary;
  try {
    summary = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new Error(
      `Cannot read "${file}": ${error instanceof SyntaxError ? 'it is not JSON' : reasonOf(error)}.`,
    );
  }
  if (summary?.schema !== SCHEMA) {
    throw new Error(
      `"${file}" has schema ${JSON.stringify(summary?.schema ?? null)}; this version reads "${SCHEMA}".`,
    );
  }
  if (!isWhole(summary)) throw new Error(`"${file}" is not whole: it lacks what every summary has.`);
  return summary;
}

function isWhole({ run, generator, metrics, thresholds, errors }: Partial<Summary>): boolean {
  return (
    typeof run?.startedAt === 'string' &&
    typeof run.host === 'object' &&
    Array.isArray(generator?.reasons) &&
    [metrics, thresholds, errors].every(Array.isArray)
  );
}
