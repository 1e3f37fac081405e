import type { Sink } from '../metrics/sink.ts';
import type { Summary } from '../metrics/summary.ts';
import { createFileSink, type FileSinkOptions } from './file-sink.ts';

export const SUMMARY_JSON = 'summary.json';

/** `summary.json`: the results for machines. */
export function createSummaryJsonSink(options: FileSinkOptions): Sink {
  return createFileSink('summary.json', SUMMARY_JSON, renderSummaryJson, options);
}

/** The same text for the file and for `--json` on standard output. The scenario has a file of its own. */
export function renderSummaryJson(summary: Summary): string {
  const { scenario: _, ...run } = summary.run;
  return `${JSON.stringify({ ...summary, run }, null, 2)}\n`;
}
