import type { ProvisionedRule } from './grafana-queries.ts';
import type { InfluxSeries } from './influxd.ts';

/** What Grafana would make of a rule: `NoData`, or which label sets fulfil its condition. */
export type Evaluation = 'NoData' | { firing: Record<string, string>[]; values: Record<string, number> };

interface Labelled {
  labels: Record<string, string>;
  value: number;
}

/**
 * Evaluates a provisioned rule once, as Grafana's server-side expressions do: reduce each series to its last value, then
 * judge by threshold or by `$X < n && $Y > m`. Only what the generated rules use; anything else throws.
 * @param query runs one InfluxQL query
 */
export async function evaluateRule(
  rule: ProvisionedRule,
  query: (influxQl: string) => Promise<InfluxSeries[]>,
): Promise<Evaluation> {
  const answers = new Map<string, InfluxSeries[]>();
  const reduced = new Map<string, Labelled[]>();
  for (const { refId, model } of rule.data) {
    if (model.query !== undefined) answers.set(refId, await query(model.query));
    else if (model.type === 'reduce') reduced.set(refId, reduceLast(answers.get(model.expression ?? '')));
  }
  const condition = rule.data.find((step) => step.refId === rule.condition)?.model;
  const main = reduced.get('C') ?? [];
  if (main.length === 0) return 'NoData';

  const fulfilled =
    condition?.type === 'math'
      ? mathCondition(condition.expression ?? '', reduced)
      : thresholdCondition(condition?.conditions?.[0]?.evaluator);
  if (fulfilled === 'NoData') return 'NoData';
  return {
    firing: main.filter(({ value }) => fulfilled(value)).map(({ labels }) => labels),
    values: Object.fromEntries(main.map(({ labels, value }) => [labels['stream'] ?? '', value])),
  };
}

function reduceLast(series: InfluxSeries[] | undefined): Labelled[] {
  return (series ?? []).map(({ tags, values }) => ({
    labels: tags ?? {},
    value: Number(values.at(-1)?.[1]),
  }));
}

function thresholdCondition(evaluator?: { type: string; params: number[] }): (value: number) => boolean {
  const [low = Number.NaN, high = Number.NaN] = evaluator?.params ?? [];
  switch (evaluator?.type) {
    case 'lt':
      return (value) => value < low;
    case 'gte':
      return (value) => value >= low;
    case 'within_range': // Both ends excluded, as in Grafana.
      return (value) => value > low && value < high;
    default:
      throw new Error(`threshold ${evaluator?.type} is not known here`);
  }
}

/** A side without any data makes the whole condition "no data". */
function mathCondition(
  text: string,
  reduced: Map<string, Labelled[]>,
): ((value: number) => boolean) | 'NoData' {
  const match = /^\$C < (\d+) && \$D > (\d+)$/.exec(text);
  if (match === null) throw new Error(`math ${JSON.stringify(text)} is not known here`);
  const other = reduced.get('D')?.[0]?.value;
  if (other === undefined) return 'NoData';
  return (value) => value < Number(match[1]) && other > Number(match[2]);
}
