/**
 * Thresholds in k6's syntax: `first_frame_ms{protocol:http-flv}` with `p(95)<1500`.
 *
 *   metric      = name [ "{" tag ":" value { "," tag ":" value } "}" ]
 *   expression  = aggregation operator number
 *   aggregation = avg | med | min | max | count | rate | value | p(0…100)
 *   operator    = < | <= | > | >= | == | !=
 */
import type { Aggregation } from './aggregate.ts';
import {
  catalogue,
  findMetric,
  hlsViolations,
  type Metric,
  type MetricName,
  type MetricType,
  reasons,
  type TagName,
  type Tags,
  tsViolations,
} from './catalogue.ts';
import { nearestWord } from './nearest-word.ts';
import type { Registry } from './registry.ts';

const operators = ['<', '<=', '>', '>=', '==', '!='] as const;
export type Operator = (typeof operators)[number];

/** Which aggregations each type of metric has. */
const legal: Record<MetricType, readonly string[]> = {
  trend: ['avg', 'med', 'min', 'max', 'count', 'p(N)'],
  counter: ['count', 'rate'],
  gauge: ['value', 'avg', 'min', 'max'],
  ratio: ['value', 'rate'],
};

/** A parsed threshold. */
export interface Threshold {
  readonly metric: MetricName;
  readonly tags: Tags;
  /** As it was written, without white space: `p(95)<1500`. */
  readonly expression: string;
  readonly aggregation: Aggregation;
  readonly operator: Operator;
  readonly limit: number;
}

export interface ThresholdResult {
  readonly metric: MetricName;
  readonly tags: Tags;
  readonly expression: string;
  /** null: there was no data, which is not ok. */
  readonly observed: number | null;
  readonly ok: boolean;
}

/** A threshold that cannot be meant: one sentence that says why and what could have been meant. */
export class ThresholdError extends Error {
  readonly code = 'THRESHOLD_INVALID';
  constructor(message: string) {
    super(message);
    this.name = 'ThresholdError';
  }
}

/**
 * Parses a threshold.
 * @param metric name with optional tag selector: `stall_ratio{protocol:hls,stream:live/a}`
 * @param expression `p(95)<1500`, `avg>=10`, `rate==0` …
 * @throws ThresholdError
 */
export function parseThreshold(metric: string, expression: string): Threshold {
  const { definition, tags } = parseMetric(metric.trim());
  const text = expression.replace(/\s+/g, '');
  const parts = /^([^<>=!]*)([<>=!]+)(.*)$/.exec(text);
  if (!parts) {
    throw new ThresholdError(
      `Threshold "${expression}" of ${definition.name} needs an aggregation, an operator and a number, like "${example(definition)}".`,
    );
  }
  const [, word, operator, number] = parts as unknown as [string, string, string, string];
  return {
    metric: definition.name,
    tags,
    expression: text,
    aggregation: parseAggregation(definition, word),
    operator: parseOperator(definition, text, operator),
    limit: parseLimit(definition, number),
  };
}

/**
 * Judges thresholds on a run's totals, in the given order.
 *
 * A metric with no data is not ok, with `observed` null: nothing was measured, so nothing was met. A counter that
 * nobody incremented reads 0, though, as long as something else was measured under its selector: no failed session
 * is a result, no session at all is none.
 */
export function judge(thresholds: readonly Threshold[], registry: Registry): ThresholdResult[] {
  return thresholds.map((threshold) => {
    const { metric, tags, expression, operator, limit } = threshold;
    const observed = observe(threshold, registry);
    return { metric, tags, expression, observed, ok: observed !== null && holds(observed, operator, limit) };
  });
}

/** The name of a metric with its selector, as it is written in scenarios: `stall_ratio{protocol:hls}`. */
export function selectorText(metric: string, tags: Tags): string {
  const pairs = Object.entries(tags).map(([name, value]) => `${name}:${value}`);
  return pairs.length > 0 ? `${metric}{${pairs.join(',')}}` : metric;
}

function observe({ metric, tags, aggregation }: Threshold, registry: Registry): number | null {
  const total = registry.total(metric, tags);
  if (total) return total.read(aggregation, registry.spanMs);
  if (findMetric(metric)?.type !== 'counter') return null;
  const { reason: _, ...whoever } = tags;
  return registry.has(whoever) ? 0 : null;
}

function holds(observed: number, operator: Operator, limit: number): boolean {
  switch (operator) {
    case '<':
      return observed < limit;
    case '<=':
      return observed <= limit;
    case '>':
      return observed > limit;
    case '>=':
      return observed >= limit;
    case '==':
      return observed === limit;
    case '!=':
      return observed !== limit;
  }
}

function parseMetric(text: string): { definition: Metric; tags: Tags } {
  const parts = /^([^{}]*)(?:\{(.*)\})?$/s.exec(text);
  if (!parts) {
    throw new ThresholdError(
      `Cannot read "${text}": a tag selector is written like stall_ratio{protocol:http-flv}.`,
    );
  }
  const name = parts[1]!.trim();
  const definition = findMetric(name);
  if (!definition) {
    const near = nearestWord(
      name,
      catalogue.map((metric) => metric.name),
    );
    throw new ThresholdError(
      `There is no metric "${name}"${near ? `; did you mean ${near}?` : '; docs/metrics.md lists them all.'}`,
    );
  }
  return { definition, tags: parseSelector(definition, parts[2] ?? '') };
}

function parseSelector(definition: Metric, text: string): Tags {
  const tags: { [name in TagName]?: string } = {};
  if (text.trim() === '') return tags;
  for (const pair of text.split(',')) {
    // Only the first colon separates: a stream's name may have more of them.
    const colon = pair.indexOf(':');
    const name = pair.slice(0, Math.max(colon, 0)).trim();
    const value = pair.slice(colon + 1).trim();
    if (colon < 0 || value === '') {
      throw new ThresholdError(
        `Cannot read "${pair.trim()}" in {${text}}: a tag selector is written {protocol:http-flv,stream:live/a}.`,
      );
    }
    const tag = definition.tags.find((known) => known === name);
    if (!tag) {
      throw new ThresholdError(
        `Metric ${definition.name} has no tag "${name}"; ${suggest(name, definition.tags)}`,
      );
    }
    if (tags[tag] !== undefined) throw new ThresholdError(`Tag "${tag}" is given twice in {${text}}.`);
    if (tag === 'reason') refuseUnknownReason(definition, value);
    tags[tag] = value;
  }
  return tags;
}

function refuseUnknownReason(definition: Metric, value: string): void {
  const known: Partial<Record<MetricName, readonly string[]>> = {
    sessions_failed: reasons,
    hls_violations: hlsViolations,
    ts_violations: tsViolations,
  };
  const valid = known[definition.name];
  if (valid && !valid.includes(value)) {
    throw new ThresholdError(`There is no reason "${value}" of ${definition.name}; ${suggest(value, valid)}`);
  }
}

function parseAggregation(definition: Metric, word: string): Aggregation {
  const percentile = /^p\((.*)\)$/.exec(word);
  const allowed = legal[definition.type];
  if (percentile && definition.type === 'trend') {
    const p = Number(percentile[1]);
    if (percentile[1] !== '' && p >= 0 && p <= 100) return { p };
    throw new ThresholdError(`Percentile "${word}" must be between p(0) and p(100).`);
  }
  const plain = (['avg', 'med', 'min', 'max', 'count', 'rate', 'value'] as const).find(
    (known) => known === word,
  );
  if (plain && allowed.includes(plain)) return plain;
  const what = `${definition.name} is a ${definition.type} and has no "${word}"`;
  // `p95`, `p(95` and `95` are the usual slips for a percentile.
  const digits = /^p?\(?(\d+(?:\.\d+)?)\)?$/.exec(word)?.[1];
  if (digits && definition.type === 'trend') throw new ThresholdError(`${what}; did you mean p(${digits})?`);
  throw new ThresholdError(`${what}; ${suggest(word, allowed)}`);
}

function parseOperator(definition: Metric, text: string, operator: string): Operator {
  const found = operators.find((known) => known === operator);
  if (found) return found;
  const meant: Record<string, string> = {
    '=': '==',
    '===': '==',
    '!==': '!=',
    '=<': '<=',
    '=>': '>=',
    '<>': '!=',
    '!': '!=',
  };
  throw new ThresholdError(
    `There is no operator "${operator}" in threshold "${text}" of ${definition.name}; ${meant[operator] ? `did you mean ${meant[operator]}?` : `use one of ${operators.join(' ')}.`}`,
  );
}

function parseLimit(definition: Metric, text: string): number {
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return Number(text);
  const unit =
    definition.unit === '' ? '' : ` in ${definition.unit === 'ratio' ? 'parts of 1' : definition.unit}`;
  throw new ThresholdError(
    `Limit "${text}" of ${definition.name} is not a plain number${unit}, like "${example(definition)}".`,
  );
}

function example(definition: Metric): string {
  const examples: Record<MetricType, string> = {
    trend: 'p(95)<1500',
    counter: 'count<10',
    gauge: 'value>0',
    ratio: 'value<0.01',
  };
  return examples[definition.type];
}

function suggest(word: string, valid: readonly string[]): string {
  const near = nearestWord(word, valid);
  return near ? `did you mean ${near}?` : `it may be ${valid.join(', ')}.`;
}
