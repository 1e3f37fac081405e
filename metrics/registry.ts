/**
 * Where samples are added up: series by metric and tags, second by second and for the whole run.
 *
 *   worker:  series.add ──► this second ──cut()──► Points ──────┐  (structured clone)
 *                                └──► totals                    ▼
 *   main:                                         absorb() ──► totals ──► summaries(), thresholds
 *
 * Totals are histograms and sums, so a run of hours costs what a run of seconds costs.
 */
import { type Aggregate, type AggregateValues, createAggregate } from './aggregate.ts';
import { type MetricName, type MetricType, metricOf, type TagName, type Tags } from './catalogue.ts';
import type { Point, PointFields } from './point.ts';
import { matches, seriesKey } from './series-key.ts';

export type { Point, PointFields } from './point.ts';

/** A cached handle: get it once, add to it for ever. `add` allocates nothing once warm. */
export interface Series {
  readonly metric: MetricName;
  readonly tags: Tags;
  /**
   * trend and gauge: one sample. counter: an increment. ratio: increments of numerator and denominator.
   */
  add(value: number, denominator?: number): void;
}

/** One line of `summary.json`'s `metrics`: a metric over all series that share `tags`. */
export interface MetricSummary {
  readonly name: MetricName;
  readonly type: MetricType;
  readonly unit: string;
  readonly tags: Tags;
  readonly values: AggregateValues;
}

/** The groupings of `summaries()` besides the series themselves: the whole, by protocol, by protocol and stream, by cohort. */
const groupings: readonly (readonly TagName[])[] = [[], ['protocol'], ['protocol', 'stream'], ['cohort']];

class TaggedSeries implements Series {
  readonly metric: MetricName;
  readonly tags: Tags;
  readonly second: Aggregate;
  readonly total: Aggregate;

  constructor(metric: MetricName, tags: Tags) {
    const { type } = metricOf(metric);
    this.metric = metric;
    this.tags = tags;
    this.second = createAggregate(type);
    this.total = createAggregate(type);
  }

  add(value: number, denominator?: number): void {
    this.second.add(value, denominator);
  }

  get empty(): boolean {
    return this.total.empty && this.second.empty;
  }

  /** Ends the second: gives it out and adds it to the total. */
  cut(): PointFields | null {
    if (this.second.empty) return null;
    const fields = this.second.encode();
    this.total.absorb(fields);
    this.second.reset();
    return fields;
  }

  /** Adds the total and the second under way to an aggregate of the same type. Changes nothing here: the second is still to be cut. */
  addTo(aggregate: Aggregate): void {
    for (const part of [this.total, this.second]) if (!part.empty) aggregate.absorb(part.encode());
  }
}

export class Registry {
  readonly #series = new Map<string, TaggedSeries>();
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;

  /**
   * The series of a metric with these tags, made on first use. Keep the handle on hot paths.
   * @throws Error when the metric may not have one of the tags
   */
  series(name: MetricName, tags: Tags = {}): Series {
    return this.#tagged(name, tags);
  }

  /**
   * Ends a second: what every series gained since the last cut, as points; series that gained nothing are left out.
   * The increments have then been counted in this registry's totals: do not `absorb` them into the same registry.
   * @param timeMs wall-clock milliseconds since the epoch
   */
  cut(timeMs: number): Point[] {
    const points: Point[] = [];
    for (const series of this.#series.values()) {
      const fields = series.cut();
      if (fields === null) continue;
      points.push({
        timeMs,
        metric: series.metric,
        tags: series.tags,
        type: metricOf(series.metric).type,
        ...fields,
      });
    }
    this.#see(timeMs);
    return points;
  }

  /** Merges points of other registries (workers, shards) into the totals. */
  absorb(points: readonly Point[]): void {
    for (const point of points) {
      this.#tagged(point.metric, point.tags).total.absorb(point);
      this.#see(point.timeMs);
    }
  }

  /** Milliseconds from the beginning of the first second seen to the end of the last; 0 before the first cut. */
  get spanMs(): number {
    return this.#lastMs < this.#firstMs ? 0 : this.#lastMs - this.#firstMs + 1000;
  }

  /** Totals of every metric that has data: the whole, by protocol, by protocol and stream, by cohort, and each series by itself. */
  summaries(): MetricSummary[] {
    const groups = new Map<string, { metric: MetricName; tags: Tags; total: Aggregate }>();
    for (const series of this.#series.values()) {
      if (series.empty) continue;
      const keys = new Set<string>();
      for (const tags of [...groupings.map((names) => pick(series.tags, names)), series.tags]) {
        const key = seriesKey(series.metric, tags);
        if (keys.has(key)) continue;
        keys.add(key);
        let group = groups.get(key);
        if (!group) {
          group = { metric: series.metric, tags, total: createAggregate(metricOf(series.metric).type) };
          groups.set(key, group);
        }
        series.addTo(group.total);
      }
    }
    return [...groups.values()].map(({ metric, tags, total }) => {
      const { name, type, unit } = metricOf(metric);
      return { name, type, unit, tags, values: total.values(this.spanMs) };
    });
  }

  /** Totals of one metric over all series whose tags include the selector; null when there is no such series with data. */
  total(name: MetricName, selector: Tags = {}): Aggregate | null {
    const total = createAggregate(metricOf(name).type);
    for (const series of this.#series.values()) {
      if (series.metric === name && matches(series.tags, selector)) series.addTo(total);
    }
    return total.empty ? null : total;
  }

  /** Whether anything at all was measured under a selector. */
  has(selector: Tags): boolean {
    for (const series of this.#series.values()) {
      if (!series.empty && matches(series.tags, selector)) return true;
    }
    return false;
  }

  #tagged(name: MetricName, tags: Tags): TaggedSeries {
    const key = seriesKey(name, tags);
    let series = this.#series.get(key);
    if (!series) {
      refuseForeignTags(name, tags);
      series = new TaggedSeries(name, { ...tags });
      this.#series.set(key, series);
    }
    return series;
  }

  #see(timeMs: number): void {
    if (timeMs < this.#firstMs) this.#firstMs = timeMs;
    if (timeMs > this.#lastMs) this.#lastMs = timeMs;
  }
}

function pick(tags: Tags, names: readonly TagName[]): Tags {
  return Object.fromEntries(
    names.filter((name) => tags[name] !== undefined).map((name) => [name, tags[name]]),
  );
}

function refuseForeignTags(name: MetricName, tags: Tags): void {
  const allowed = metricOf(name).tags;
  for (const tag of Object.keys(tags)) {
    if (!allowed.includes(tag as TagName)) {
      throw new Error(`Metric ${name} has no tag "${tag}"; it may have ${allowed.join(', ')}.`);
    }
  }
}
