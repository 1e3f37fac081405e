import type { IPoint } from 'influx';
import { type MetricType, metricOf, type TagName } from '../metrics/catalogue.ts';
import type { Point } from '../metrics/point.ts';
import { type PointFigures, pointFigures } from '../metrics/point-figures.ts';

/**
 * The fields of a measurement, by the metric's type. One measurement per metric, all fields floats, so that no two
 * writers can ever disagree about a field's type. Dashboards and alert rules are checked against this table.
 *
 * A gauge has `sum` because several workers or viewers report one each: the viewers of a run are `sum("sum")`, while
 * `value` is only whoever came last.
 */
export const influxdbFields = {
  trend: ['count', 'min', 'avg', 'p50', 'p90', 'p95', 'p99', 'max'],
  counter: ['value'],
  gauge: ['value', 'min', 'max', 'count', 'sum'],
  ratio: ['num', 'den', 'value'],
} as const satisfies Record<MetricType, readonly (keyof PointFigures | 'num')[]>;

/**
 * One point of a run as one line of InfluxDB; null when it has no figure.
 * Only tags of the catalogue are written, so that the number of series stays bounded.
 * @param always tags that every point of the run gets where its metric may have them (`run`, `scenario`)
 */
export function toInfluxdbPoint(
  point: Point,
  always: Readonly<Partial<Record<TagName, string>>>,
): IPoint | null {
  const fields = fieldsOf(point);
  if (Object.keys(fields).length === 0) return null;
  const tags: Record<string, string> = {};
  for (const name of metricOf(point.metric).tags) {
    const value = tagValue(point.tags[name] ?? always[name] ?? '');
    if (value !== '') tags[name] = value;
  }
  return { measurement: point.metric, tags, fields, timestamp: Math.round(point.timeMs) };
}

function fieldsOf(point: Point): Record<string, number> {
  const figures: Record<string, number | null> = { ...pointFigures(point), num: point.num ?? null };
  const fields: Record<string, number> = {};
  for (const name of influxdbFields[point.type]) {
    const figure = figures[name] ?? null;
    // The line protocol has no NaN and no infinity: one such field would lose the whole batch.
    if (figure !== null && Number.isFinite(figure)) fields[name] = figure;
  }
  return fields;
}

/**
 * A tag value that the line protocol can hold: it has no escape for a line break, and a backslash at the end would
 * escape the comma that follows. An empty value is not allowed at all; the caller leaves it out.
 */
function tagValue(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ').replace(/\\+$/, '');
}
