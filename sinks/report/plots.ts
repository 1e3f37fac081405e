/** The report's time plots as plain data: what the page's script draws, and what its tables say. */
import type { Aggregate } from '../../metrics/aggregate.ts';
import type { MetricName } from '../../metrics/catalogue.ts';
import { printable } from '../printable.ts';
import type { Timeline } from './timeline.ts';

export interface PlotLine {
  readonly label: string;
  /** One per bin; null: no data. */
  readonly values: readonly (number | null)[];
  /** Which of the page's line colours: the same for a protocol in every plot. */
  readonly colour: number;
  readonly dashed: boolean;
}

export interface Plot {
  readonly id: string;
  /** In which part of the page it stands. */
  readonly of: 'viewers' | 'target' | 'generator';
  readonly title: string;
  /** Unit of the values as the axis shows them. */
  readonly unit: string;
  /** One sentence: what is seen, and what good looks like. */
  readonly about: string;
  /** Seconds since the start of the run, one per bin. */
  readonly seconds: readonly number[];
  readonly lines: readonly PlotLine[];
  /** Draw marks even where lines join them: values come seldom. */
  readonly marks: boolean;
}

/** All plots, those without data too: the page says so in their place. */
export function plotsOf(timeline: Timeline): Plot[] {
  const seconds = Array.from({ length: timeline.length }, (_, bin) => (bin + 1) * timeline.binSeconds);
  const colours = coloursOf(timeline);
  const plot = (
    id: string,
    title: string,
    unit: string,
    about: string,
    lines: PlotLine[],
    marks = false,
  ): Plot => ({
    id,
    of: id.startsWith('generator') ? 'generator' : id.startsWith('target') ? 'target' : 'viewers',
    title,
    unit,
    about,
    seconds,
    lines,
    marks,
  });
  /** One line for each protocol of a metric. */
  const byProtocol = (metric: MetricName, read: Read, suffix = '', dashed = false): PlotLine[] =>
    linesOf(metric, timeline.protocols(metric), read, suffix, dashed);
  const linesOf = (
    metric: MetricName,
    protocols: readonly string[],
    read: Read,
    suffix = '',
    dashed = false,
  ) =>
    protocols.map(
      (protocol): PlotLine => ({
        label: [printable(protocol), suffix].filter(Boolean).join(' ') || 'all',
        values: timeline.line(metric, protocol, read),
        colour: colours.get(protocol) ?? 0,
        dashed,
      }),
    );
  /** One line of a metric without protocols. */
  const single = (metric: MetricName, label: string, read: Read, dashed = false): PlotLine[] =>
    byProtocol(metric, read, '', dashed).map((line) => ({ ...line, label }));
  const medianAndP95 = (metric: MetricName): PlotLine[] => [
    ...byProtocol(metric, percentile(50), 'median'),
    ...byProtocol(metric, percentile(95), 'p95', true),
  ];
  const perBin = timeline.binSeconds === 1 ? 'per second' : `in ${timeline.binSeconds} s`;

  return [
    plot('viewers', 'Viewers', '', 'Viewers whose session was under way.', viewerLines(timeline, colours)),
    plot(
      'first-frame',
      'First frame',
      'ms',
      'How long new viewers waited for their first picture. Lower is better.',
      medianAndP95('first_frame_ms'),
      true,
    ),
    plot(
      'latency',
      'Latency',
      'ms',
      'From the camera to the viewer’s screen. Flat is good; rising means that viewers fall behind.',
      medianAndP95('latency_ms'),
    ),
    plot(
      'stalls',
      'Stalls',
      '',
      `Times that a viewer’s picture stopped, ${perBin}. None is best.`,
      // Of all viewers: who never stalled is not in the metric, and that is the best news.
      linesOf('stall_count', [...colours.keys()], sum).map(withZeros),
    ),
    plot(
      'bitrate',
      'Received bitrate',
      'kbit/s',
      'What one viewer received, on average. It should stay at the bitrate of the stream.',
      byProtocol('received_bps', scaled('avg', 1 / 1000)),
    ),
    plot(
      'target-cpu',
      'Server: CPU',
      'cores',
      'What the server under test used, all its processes together; at the number of its cores it is full.',
      single('target_cpu', 'CPU', scaled('max', 1)),
    ),
    plot(
      'target-memory',
      'Server: memory',
      'MB',
      'Resident memory. Rising without end under the same number of viewers is a leak.',
      single('target_rss_bytes', 'resident', scaled('max', 1e-6)),
    ),
    plot(
      'target-traffic',
      'Server: traffic',
      'Mbit/s',
      'What its connections carried. Sent less than viewers should get means that it does not keep up.',
      [
        ...single('target_sent_bps', 'sent', scaled('avg', 1e-6)),
        ...single('target_received_bps', 'received', scaled('avg', 1e-6), true),
      ],
    ),
    plot(
      'target-sockets',
      'Server: connections',
      '',
      'Established connections. More than there are viewers and publishers: connections that nobody uses are left open.',
      single('target_sockets', 'connections', scaled('max', 1)),
    ),
    plot(
      'generator-cpu',
      'CPU',
      '%',
      'The busiest worker of the load generator. Above 90 % its figures are not to be trusted.',
      byProtocol('generator_cpu', scaled('max', 100)).map((line) => ({ ...line, label: 'CPU' })),
    ),
    plot(
      'generator-lag',
      'Event-loop lag',
      'ms',
      'How late the load generator was itself (p99). Above 50 ms its figures are not to be trusted.',
      byProtocol('event_loop_lag_ms', percentile(99)).map((line) => ({ ...line, label: 'lag p99' })),
    ),
  ];
}

type Read = (aggregate: Aggregate) => number | null;
const percentile =
  (p: number): Read =>
  (aggregate) =>
    aggregate.read({ p }, 0);
const sum: Read = (aggregate) => aggregate.read('count', 0);
const scaled =
  (figure: 'avg' | 'max', factor: number): Read =>
  (aggregate) => {
    const value = aggregate.read(figure, 0);
    return value === null ? null : value * factor;
  };

/** Sessions under way follow from those that began and those that are over. */
function viewerLines(timeline: Timeline, colours: ReadonlyMap<string, number>): PlotLine[] {
  return timeline.protocols('sessions_started').map((protocol) => {
    const increments = (metric: MetricName) => timeline.line(metric, protocol, sum);
    const ended = increments('sessions_ended');
    const failed = increments('sessions_failed');
    let under = 0;
    const values = increments('sessions_started').map((count, bin) => {
      under += (count ?? 0) - (ended[bin] ?? 0) - (failed[bin] ?? 0);
      return under;
    });
    return { label: printable(protocol) || 'all', values, colour: colours.get(protocol) ?? 0, dashed: false };
  });
}

/** A counter that was not incremented stood still: that is a 0, not a gap. */
function withZeros(line: PlotLine): PlotLine {
  return { ...line, values: line.values.map((value) => value ?? 0) };
}

function coloursOf(timeline: Timeline): Map<string, number> {
  const protocols = new Set<string>();
  for (const metric of [
    'sessions_started',
    'first_frame_ms',
    'latency_ms',
    'stall_count',
    'received_bps',
  ] as const) {
    for (const protocol of timeline.protocols(metric)) protocols.add(protocol);
  }
  return new Map([...protocols].sort().map((protocol, index) => [protocol, index]));
}
