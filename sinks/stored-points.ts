import { findMetric, tagNames } from '../metrics/catalogue.ts';
import type { Point } from '../metrics/point.ts';
import { withStore } from './query.ts';

/**
 * Reads the points of a run back from its store, in order of time and as exact as they were.
 * @param metrics which metrics; the others stay where they are
 * @throws Error with one clear sentence when there is no readable store
 */
export async function readStoredPoints(folder: string, metrics: readonly string[]): Promise<Point[]> {
  return withStore(folder, async (connection) => {
    const names = metrics.map((name) => `'${name}'`).join(', ');
    const reader = await connection.runAndReadAll(
      `SELECT * REPLACE (epoch_ms(time)::DOUBLE AS time) FROM series WHERE metric IN (${names}) ORDER BY time`,
    );
    return reader.getRowObjectsJS().flatMap((row) => toPoint(row as StoredRow) ?? []);
  });
}

/** A row of the store as JavaScript has it. */
export type StoredRow = { readonly [column: string]: string | number | null };

/** The point that a row of `series` (its time in milliseconds) stands for; `null`: a metric of another version. */
export function toPoint(row: StoredRow): Point | null {
  const metric = findMetric(String(row['metric']));
  if (!metric) return null;
  const figure = (name: string): number => Number(row[name] ?? 0);
  const tags = Object.fromEntries(
    tagNames
      .filter((name) => metric.tags.includes(name) && row[name] !== null)
      .map((name) => [name, String(row[name])]),
  );
  const head = { timeMs: figure('time'), metric: metric.name, tags, type: metric.type };
  const [count, sum, min, max, value] = ['count', 'sum', 'min', 'max', 'value'].map(figure) as [
    number,
    number,
    number,
    number,
    number,
  ];
  switch (metric.type) {
    case 'trend':
      return {
        ...head,
        histogram: { count, sum, min, max, buckets: JSON.parse(String(row['histogram'] ?? '[]')) },
      };
    case 'counter':
      return { ...head, value };
    case 'gauge':
      return { ...head, value, count, sum, min, max };
    case 'ratio':
      return { ...head, num: sum, den: figure('den') };
  }
}
