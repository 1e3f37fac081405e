/** Figures of the server under test and of the load generator's machine, in words; the same in Markdown and HTML. */
import type { GeneratorSummary, ServerSummary } from '../metrics/summary.ts';
import { formatValue } from './format.ts';

const serverFigures: Readonly<Record<string, readonly [name: string, unit: string]>> = {
  cpu: ['CPU, 100 % is one core', 'ratio'],
  rssBytes: ['Resident memory', 'bytes'],
  sockets: ['Connections', ''],
  sentBps: ['Sent', 'bit/s'],
  receivedBps: ['Received', 'bit/s'],
  threads: ['Threads', ''],
  fds: ['Open file descriptors', ''],
};

export interface ServerFigure {
  readonly name: string;
  readonly mean: string;
  /** Empty where only one figure is known. */
  readonly highest: string;
}

/** What is known of the server, in a fixed order. */
export function serverWords(server: ServerSummary): ServerFigure[] {
  return Object.entries(serverFigures).flatMap(([key, [name, unit]]) => {
    const [mean, highest] = [server[key], server[`${key}Max`]];
    if (typeof mean !== 'number') return [];
    return [
      {
        name,
        mean: formatValue(mean, unit),
        highest: typeof highest === 'number' ? formatValue(highest, unit) : '',
      },
    ];
  });
}

/** What the generator knows of its machine; nothing for what is not known. */
export function generatorWords(generator: GeneratorSummary): (readonly [string, string])[] {
  const { fdUsedRatio, socketBacklogBytes, expectedBytesRatio, clock } = generator;
  const words: (readonly [string, string])[] = [];
  const add = (name: string, value: number | null | undefined, unit: string): void => {
    if (typeof value === 'number') words.push([name, formatValue(value, unit)]);
  };
  add('Received of what streams offered', expectedBytesRatio, 'ratio');
  add('Bytes that waited in sockets, most', socketBacklogBytes, 'bytes');
  add('File descriptors in use, most', fdUsedRatio, 'ratio');
  if (clock) words.push(['Clock', `${clockWords(clock.offsetMs, clock.boundMs)} (${clock.source})`]);
  else if (clock === null)
    words.push(['Clock', 'not compared with that of the publishers: latencies hold if both are right']);
  return words;
}

function clockWords(offsetMs: number, boundMs: number): string {
  const bound = `± ${formatValue(boundMs, 'ms')}`;
  if (offsetMs === 0) return `the same, ${bound}`;
  return `${formatValue(Math.abs(offsetMs), 'ms')} ${offsetMs > 0 ? 'ahead' : 'behind'}, ${bound}`;
}
