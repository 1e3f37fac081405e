import type { CapacityReport, Level } from '../../metrics/capacity.ts';

/** Lines of one plot: a figure against load. */
export interface Curves {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** One sentence: what is seen, and what good looks like. */
  readonly about: string;
  /** Ascending, each once. */
  readonly loads: readonly number[];
  readonly lines: readonly { readonly label: string; readonly values: readonly (number | null)[] }[];
}

/** Figures against load; a load that was held several times shows their mean. Lines without data are left out. */
export function curvesOf({ levels }: CapacityReport): Curves[] {
  const judged = levels.filter(({ verdict }) => verdict !== 'inconclusive');
  const loads = [...new Set(judged.map(({ load }) => load))].sort((a, b) => a - b);
  const line = (label: string, read: (level: Level) => number | null) => ({
    label,
    values: loads.map((load) => mean(judged.filter((level) => level.load === load).map(read))),
  });
  const percent = (value: number | null): number | null => (value === null ? null : value * 100);
  const all: Curves[] = [
    {
      id: 'times',
      title: 'Waiting and latency',
      unit: 'ms',
      about:
        'What 95 of 100 viewers had, or better. Flat is good; where a line turns upwards the server gets short of something.',
      loads,
      lines: [
        line('first frame, p95', ({ figures }) => figures.firstFrameP95Ms),
        line('latency, p95', ({ figures }) => figures.latencyP95Ms),
      ],
    },
    {
      id: 'shares',
      title: 'Stalls and failures',
      unit: '%',
      about: 'Share of watched time without a picture, and of sessions that never got one. Zero is best.',
      loads,
      lines: [
        line('stalled time', ({ figures }) => percent(figures.stallRatio)),
        line('failed starts', ({ figures }) => percent(figures.startFailureRatio)),
      ],
    },
    {
      id: 'bitrate',
      title: 'Received by all viewers',
      unit: 'Mbit/s',
      about: 'It grows with the load as long as the server keeps up.',
      loads,
      lines: [
        line('received', ({ figures: { receivedBps } }) => (receivedBps === null ? null : receivedBps / 1e6)),
      ],
    },
    {
      id: 'server',
      title: 'CPU of the server',
      unit: '%',
      about: '100 % is one core.',
      loads,
      lines: [line('CPU', ({ server }) => percent(typeof server['cpu'] === 'number' ? server['cpu'] : null))],
    },
  ];
  return all
    .map((curves) => ({
      ...curves,
      lines: curves.lines.filter(({ values }) => values.some((v) => v !== null)),
    }))
    .filter(({ lines }) => lines.length > 0);
}

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
