import type { Point } from '../metrics/point.ts';
import type { Sink } from '../metrics/sink.ts';
import type { RunInfo, SessionRecord, Summary } from '../metrics/summary.ts';
import type { FileSinkOptions } from './file-sink.ts';
import { renderReport } from './report/page.ts';
import { readPlotLibrary } from './report/plot-library.ts';
import { plotsOf } from './report/plots.ts';
import { Timeline } from './report/timeline.ts';
import { prepareFolder, writeResult } from './result-file.ts';

export const REPORT_HTML = 'report.html';

/** `report.html`: the results for people, in one file that opens anywhere without the network. */
export function createReportHtmlSink(options: FileSinkOptions): Sink {
  return new ReportHtmlSink(options.folder);
}

class ReportHtmlSink implements Sink {
  readonly name = REPORT_HTML;
  readonly lost = 0;
  readonly #folder: string;
  #timeline: Timeline | null = null;
  #closed: Promise<void> | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async open(run: RunInfo): Promise<void> {
    await prepareFolder(this.#folder);
    this.#timeline = new Timeline(Date.parse(run.startedAt));
  }

  second(points: readonly Point[]): void {
    if (!this.#closed) this.#timeline?.add(points);
  }

  session(_record: SessionRecord): void {}

  close(summary: Summary): Promise<void> {
    this.#closed ??= this.#write(summary);
    return this.#closed;
  }

  async #write(summary: Summary): Promise<void> {
    const timeline = this.#timeline ?? new Timeline(Date.parse(summary.run.startedAt));
    const page = renderReport(summary, plotsOf(timeline), await readPlotLibrary());
    await writeResult(this.#folder, REPORT_HTML, page);
  }
}
