/** The few figures that a reader looks at first, out of a summary's many: for all viewers, each protocol, each stream. */
import type { AggregateValues } from '../metrics/aggregate.ts';
import type { MetricName, TagName, Tags } from '../metrics/catalogue.ts';
import type { Summary } from '../metrics/summary.ts';

export interface KeyFigures {
  /** `{}`, `{cohort}`, `{protocol}` or `{protocol, stream}`. */
  readonly tags: Tags;
  readonly started: number;
  readonly failed: number;
  readonly firstFrame: AggregateValues | null;
  readonly latency: AggregateValues | null;
  readonly stalls: number;
  /** Share of watched time; null: nobody watched. */
  readonly stallRatio: number | null;
  /** Mean bit/s per viewer. */
  readonly receivedBps: number | null;
}

/** How many sessions failed for one reason, somewhere. */
export interface FailureCount {
  readonly reason: string;
  readonly tags: Tags;
  readonly count: number;
}

/**
 * One row for all viewers, then one for each cohort and each protocol, then one for each stream of each protocol. Where
 * there are no more cohorts than protocols, the protocols say it.
 */
export function keyFigures(summary: Summary): KeyFigures[] {
  const groups = new Map<string, Tags>();
  for (const { name, tags } of summary.metrics) {
    if (!anchors.has(name) || !shown.has(Object.keys(tags).sort().join(' '))) continue;
    groups.set(groupKey(tags), tags);
  }
  const one = (tag: TagName) =>
    [...groups].filter(([, tags]) => tags[tag] !== undefined && Object.keys(tags).length === 1);
  const cohorts = one('cohort');
  if (cohorts.length <= one('protocol').length) for (const [key] of cohorts) groups.delete(key);
  const values = valuesIn(summary);
  return [...groups.values()].sort(byDepthThenName).map((tags) => figuresOf(values, tags));
}

/** Failed sessions by reason and stream, most frequent first. */
export function failureCounts(summary: Summary): FailureCount[] {
  const counts = new Map<string, FailureCount>();
  for (const { name, tags, values } of summary.metrics) {
    if (name !== 'sessions_failed' || tags.reason === undefined || !values.count) continue;
    const { reason, protocol, stream } = tags;
    const where = {
      ...(protocol === undefined ? {} : { protocol }),
      ...(stream === undefined ? {} : { stream }),
    };
    const key = JSON.stringify([reason, where]);
    counts.set(key, { reason, tags: where, count: (counts.get(key)?.count ?? 0) + values.count });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count);
}

/**
 * The rows that fit into a table: all of them, or, when there are too many streams, those where it went worst.
 * @returns the rows in their own order, and how many were left out
 */
export function worstRows(
  rows: readonly KeyFigures[],
  most: number,
): { rows: KeyFigures[]; leftOut: number } {
  if (rows.length <= most) return { rows: [...rows], leftOut: 0 };
  const badness = (row: KeyFigures): number[] => [
    row.tags.stream === undefined ? 1 : 0,
    row.started > 0 ? row.failed / row.started : 0,
    row.stallRatio ?? 0,
    row.firstFrame?.p95 ?? 0,
  ];
  const kept = new Set(
    [...rows]
      .sort((a, b) => {
        const [left, right] = [badness(a), badness(b)];
        const differs = left.findIndex((value, i) => value !== right[i]);
        return differs < 0 ? 0 : right[differs]! - left[differs]!;
      })
      .slice(0, most),
  );
  return { rows: rows.filter((row) => kept.has(row)), leftOut: rows.length - most };
}

/** The groups that have rows. */
const shown = new Set(['', 'cohort', 'protocol', 'protocol stream']);

/** A group is worth a row when one of these has data in it. */
const anchors = new Set<MetricName>([
  'sessions_started',
  'first_frame_ms',
  'latency_ms',
  'received_bps',
  'sessions_failed',
]);

function figuresOf(values: ValuesLookup, tags: Tags): KeyFigures {
  const find = (name: MetricName) => values(name, tags);
  return {
    tags,
    started: find('sessions_started')?.count ?? 0,
    failed: find('sessions_failed')?.count ?? 0,
    firstFrame: find('first_frame_ms'),
    latency: find('latency_ms'),
    stalls: find('stall_count')?.count ?? 0,
    stallRatio: find('stall_ratio')?.value ?? null,
    receivedBps: find('received_bps')?.avg ?? null,
  };
}

/** The values of a metric over exactly these tags; null without data. */
export type ValuesLookup = (name: MetricName, tags?: Tags) => AggregateValues | null;

/** Indexes a summary once: it may have a line for each of thousands of streams. */
export function valuesIn(summary: Summary): ValuesLookup {
  const index = new Map(summary.metrics.map(({ name, tags, values }) => [name + groupKey(tags), values]));
  return (name, tags = {}) => index.get(name + groupKey(tags)) ?? null;
}

function groupKey(tags: Tags): string {
  return JSON.stringify(Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function byDepthThenName(a: Tags, b: Tags): number {
  const depth = Object.keys(a).length - Object.keys(b).length;
  if (depth !== 0) return depth;
  const name = (tags: Tags) => `${tags.protocol ?? ''} ${tags.stream ?? ''}`;
  return name(a).localeCompare(name(b), 'en', { numeric: true });
}
