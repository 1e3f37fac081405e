import type { Sink } from '../metrics/sink.ts';
import type { Summary } from '../metrics/summary.ts';
import { prepareFolder, writeResult } from './result-file.ts';

export interface FileSinkOptions {
  /** The run's folder; made if it does not exist. */
  readonly folder: string;
}

/** A sink whose file follows from the summary alone: nothing is kept during the run. */
export function createFileSink(
  name: string,
  file: string,
  render: (summary: Summary) => string,
  { folder }: FileSinkOptions,
): Sink {
  let closed: Promise<void> | null = null;
  return {
    name,
    lost: 0,
    open: () => prepareFolder(folder),
    second() {},
    session() {},
    close(summary) {
      closed ??= writeResult(folder, file, render(summary)).then(() => {});
      return closed;
    },
  };
}
