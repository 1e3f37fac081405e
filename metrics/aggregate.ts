/** How samples of each metric type add up: within a second, over a run, over workers. One class per type, all mergeable. */
import type { MetricType } from './catalogue.ts';
import { Histogram } from './histogram.ts';
import type { PointFields } from './point.ts';

/** The words of a threshold's left side; a percentile is `{ p: 95 }`. */
export type Aggregation = 'avg' | 'med' | 'min' | 'max' | 'count' | 'rate' | 'value' | { readonly p: number };

/** Values of a metric in `summary.json`; which are there depends on the type. */
export interface AggregateValues {
  readonly count?: number;
  readonly min?: number;
  readonly avg?: number;
  readonly med?: number;
  readonly p90?: number;
  readonly p95?: number;
  readonly p99?: number;
  readonly max?: number;
  /** counter: per second over the run. */
  readonly rate?: number;
  /** gauge: the last sample. ratio: numerator over denominator. */
  readonly value?: number;
  /** ratio: its two sums, so that shards can be merged. */
  readonly num?: number;
  readonly den?: number;
}

export interface Aggregate {
  readonly empty: boolean;
  add(value: number, denominator?: number): void;
  /** Merges the encoded form of another aggregate of the same type. */
  absorb(fields: PointFields): void;
  encode(): PointFields;
  reset(): void;
  /** @param spanMs the time over which a counter's rate is taken */
  values(spanMs: number): AggregateValues;
  /** One figure; null where the type has no such figure or there is no data. */
  read(aggregation: Aggregation, spanMs: number): number | null;
}

export function createAggregate(type: MetricType): Aggregate {
  switch (type) {
    case 'trend':
      return new Trend();
    case 'counter':
      return new Counter();
    case 'gauge':
      return new Gauge();
    case 'ratio':
      return new Ratio();
  }
}

class Trend implements Aggregate {
  readonly #histogram = new Histogram();

  get empty(): boolean {
    return this.#histogram.count === 0;
  }
  add(value: number): void {
    this.#histogram.add(value);
  }
  absorb({ histogram }: PointFields): void {
    if (histogram) this.#histogram.mergeEncoded(histogram);
  }
  encode(): PointFields {
    return { histogram: this.#histogram.toJSON() };
  }
  reset(): void {
    this.#histogram.reset();
  }
  values(): AggregateValues {
    const { count, min, max, mean } = this.#histogram;
    if (count === 0) return { count };
    const [med, p90, p95, p99] = [50, 90, 95, 99].map((p) => this.#histogram.percentile(p)) as [
      number,
      number,
      number,
      number,
    ];
    return { count, min, avg: mean, med, p90, p95, p99, max };
  }
  read(aggregation: Aggregation): number | null {
    if (this.empty) return null;
    const { count, min, max, mean } = this.#histogram;
    if (typeof aggregation === 'object') return this.#histogram.percentile(aggregation.p);
    if (aggregation === 'med') return this.#histogram.percentile(50);
    return pickFigure({ count, min, max, avg: mean }, aggregation);
  }
}

class Counter implements Aggregate {
  #sum = 0;
  /** An increment of 0 counts: it says that somebody was looking. */
  #seen = false;

  get empty(): boolean {
    return !this.#seen;
  }
  add(value: number): void {
    this.#sum += value;
    this.#seen = true;
  }
  absorb({ value }: PointFields): void {
    if (value !== undefined) this.add(value);
  }
  encode(): PointFields {
    return { value: this.#sum };
  }
  reset(): void {
    this.#sum = 0;
    this.#seen = false;
  }
  values(spanMs: number): AggregateValues {
    return { count: this.#sum, rate: spanMs > 0 ? this.#sum / (spanMs / 1000) : 0 };
  }
  read(aggregation: Aggregation, spanMs: number): number | null {
    return pickFigure(this.values(spanMs), aggregation);
  }
}

class Gauge implements Aggregate {
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #last = 0;

  get empty(): boolean {
    return this.#count === 0;
  }
  add(value: number): void {
    if (!Number.isFinite(value)) return;
    this.#take(1, value, value, value, value);
  }
  absorb({ value, count, sum, min, max }: PointFields): void {
    if (value === undefined) return;
    this.#take(count ?? 1, sum ?? value, min ?? value, max ?? value, value);
  }
  encode(): PointFields {
    return { value: this.#last, count: this.#count, sum: this.#sum, min: this.#min, max: this.#max };
  }
  reset(): void {
    this.#count = 0;
    this.#sum = 0;
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = Number.NEGATIVE_INFINITY;
  }
  values(): AggregateValues {
    if (this.empty) return {};
    return { value: this.#last, min: this.#min, avg: this.#sum / this.#count, max: this.#max };
  }
  read(aggregation: Aggregation): number | null {
    return pickFigure(this.values(), aggregation);
  }
  #take(count: number, sum: number, min: number, max: number, last: number): void {
    this.#count += count;
    this.#sum += sum;
    if (min < this.#min) this.#min = min;
    if (max > this.#max) this.#max = max;
    this.#last = last;
  }
}

class Ratio implements Aggregate {
  #num = 0;
  #den = 0;

  /** Without a denominator there is no ratio; a numerator alone is kept until its denominator comes. */
  get empty(): boolean {
    return this.#den === 0 && this.#num === 0;
  }
  add(value: number, denominator = 0): void {
    this.#num += value;
    this.#den += denominator;
  }
  absorb({ num, den }: PointFields): void {
    this.add(num ?? 0, den ?? 0);
  }
  encode(): PointFields {
    return { num: this.#num, den: this.#den };
  }
  reset(): void {
    this.#num = 0;
    this.#den = 0;
  }
  values(): AggregateValues {
    const sums = { num: this.#num, den: this.#den };
    return this.#den === 0 ? sums : { value: this.#num / this.#den, ...sums };
  }
  read(aggregation: Aggregation): number | null {
    return pickFigure(this.values(), aggregation === 'rate' ? 'value' : aggregation);
  }
}

function pickFigure(values: AggregateValues, aggregation: Aggregation): number | null {
  return typeof aggregation === 'object' ? null : (values[aggregation] ?? null);
}
