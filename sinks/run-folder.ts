import type { Sink } from '../metrics/sink.ts';
import type { RunInfo } from '../metrics/summary.ts';
import { createDuckdbSink } from './duckdb.ts';
import { fanOut } from './fan-out.ts';
import type { FileSinkOptions } from './file-sink.ts';
import { createJunitSink } from './junit.ts';
import { createReportHtmlSink } from './report-html.ts';
import { prepareFolder, writeResult } from './result-file.ts';
import { createSummaryJsonSink } from './summary-json.ts';
import { createSummaryMarkdownSink } from './summary-markdown.ts';

export const SCENARIO_JSON = 'scenario.json';

/**
 * All files of one run as one sink: `scenario.json` at once, the store as the run goes, and at the end
 * `summary.json`, `summary.md`, `junit.xml` and `report.html`.
 * @param options the run's folder (made if it does not exist); its name is the caller's business
 */
export function createRunFolder(options: FileSinkOptions): Sink {
  return fanOut('run folder', [
    createScenarioSink(options),
    createDuckdbSink(options),
    createSummaryJsonSink(options),
    createSummaryMarkdownSink(options),
    createJunitSink(options),
    createReportHtmlSink(options),
  ]);
}

function createScenarioSink({ folder }: FileSinkOptions): Sink {
  return {
    name: SCENARIO_JSON,
    lost: 0,
    async open({ scenario }: RunInfo) {
      await prepareFolder(folder);
      if (scenario !== undefined)
        await writeResult(folder, SCENARIO_JSON, `${JSON.stringify(scenario, null, 2)}\n`);
    },
    second() {},
    session() {},
    async close() {},
  };
}
