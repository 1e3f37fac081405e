import { QueryBuilder, type Rule, RuleBuilder } from '@grafana/grafana-foundation-sdk/alerting';
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  TypeMathBuilder,
  TypeReduceBuilder,
  TypeThresholdBuilder,
} from '@grafana/grafana-foundation-sdk/expr';
import type { Alert, Severity } from './alerts.ts';
import { InfluxQueryBuilder, influxdbDatasource } from './influx-query.ts';
import { viewersDashboardUid } from './viewers-dashboard.ts';

/** Grafana's name for the engine that evaluates reduce, math and threshold. */
const expressions = { type: '__expr__', uid: '__expr__' } as const;
/** Raw InfluxQL ignores it, Grafana wants it: it must not be shorter than what the queries look at. */
const timeRange = { from: 600, to: 0 };
const keepFiringFor = '5m';

/**
 * Grafana rules of an alert: one per severity.
 *
 *     A  the query ─────────────► C  last value of each stream ─► E  condition
 *     B  only while (if any) ───► D  its last value ────────────┘
 *
 * Reduce, then threshold or math, since `classic_conditions` would drop the label `stream`.
 * @param runbooksUrl where docs/runbooks/ can be read
 */
export function alertRules(alert: Alert, runbooksUrl: string): Rule[] {
  const { fires } = alert;
  if ('below' in fires) {
    const condition = alert.onlyWhile
      ? math(`$C < ${fires.below} && $D > 0`)
      : threshold({ type: 'lt', params: [fires.below] });
    return [rule(alert, fires.severity, condition, runbooksUrl)];
  }
  const { warn, page } = fires.above;
  // The ranges do not overlap: what pages does not warn as well.
  return [
    rule(alert, 'warn', threshold({ type: 'within_range', params: [warn, page] }), runbooksUrl),
    rule(alert, 'page', threshold({ type: 'gte', params: [page] }), runbooksUrl),
  ];
}

function rule(alert: Alert, severity: Severity, condition: Builder<Dataquery>, runbooksUrl: string): Rule {
  const builder = new RuleBuilder(`${alert.title} (${severity})`)
    .uid(`streamgauge-${alert.name}-${severity}`)
    .condition('E')
    .forDuration(alert.for)
    .keepFiringFor(keepFiringFor)
    // One outage of the monitor must not page once per rule: only the alert that is about silence fires on it.
    .noDataState(alert.silence === 'fires' ? 'Alerting' : 'OK')
    .execErrState(alert.silence === 'fires' ? 'Alerting' : 'OK')
    .labels({ severity, product: 'streamgauge' })
    .annotations({
      summary: alert.summary,
      description: alert.description,
      runbook_url: `${runbooksUrl}/${alert.name}.md`,
      __dashboardUid__: viewersDashboardUid,
      __panelId__: String(alert.panelId),
    })
    .withQuery(influx('A', alert.query))
    .withQuery(expression('C', last('A', 'C')));
  if (alert.onlyWhile) {
    builder.withQuery(influx('B', alert.onlyWhile)).withQuery(expression('D', last('B', 'D')));
  }
  return builder.withQuery(expression('E', condition)).build();
}

function influx(refId: string, influxQl: string): QueryBuilder {
  return new QueryBuilder(refId)
    .datasourceUid(influxdbDatasource.uid)
    .relativeTimeRange(timeRange)
    .model(new InfluxQueryBuilder(refId, influxQl).resolution(1_000, 43_200));
}

function expression(refId: string, model: Builder<Dataquery>): QueryBuilder {
  return new QueryBuilder(refId).datasourceUid(expressions.uid).relativeTimeRange(timeRange).model(model);
}

function last(of: string, refId: string): Builder<Dataquery> {
  return new TypeReduceBuilder().refId(refId).datasource(expressions).expression(of).reducer('last');
}

function math(text: string): Builder<Dataquery> {
  return new TypeMathBuilder().refId('E').datasource(expressions).expression(text);
}

function threshold(evaluator: { type: 'lt' | 'gte' | 'within_range'; params: number[] }): Builder<Dataquery> {
  return new TypeThresholdBuilder()
    .refId('E')
    .datasource(expressions)
    .expression('C')
    .conditions([{ evaluator }]);
}
