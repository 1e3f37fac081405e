import { parse } from 'yaml';

/** One query of the generated Grafana files. */
export interface GrafanaQuery {
  /** For a test's title: the panel, variable or rule it belongs to. */
  readonly of: string;
  readonly kind: 'panel' | 'variable' | 'alert';
  readonly influxQl: string;
}

interface PanelJson {
  type: string;
  title?: string;
  targets?: { refId: string; query: string }[];
  panels?: PanelJson[];
}

/** A rule as Grafana's file provisioning has it. */
export interface ProvisionedRule {
  uid: string;
  title: string;
  condition: string;
  for: string;
  keepFiringFor: string;
  noDataState: string;
  execErrState: string;
  dashboardUid: string;
  panelId: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  data: {
    refId: string;
    datasourceUid: string;
    model: {
      refId: string;
      query?: string;
      type?: 'reduce' | 'threshold' | 'math';
      expression?: string;
      reducer?: string;
      conditions?: { evaluator: { type: string; params: number[] } }[];
    };
  }[];
}

/** The alert rules in the generated files. */
export function provisionedRules(files: ReadonlyMap<string, string>): ProvisionedRule[] {
  return [...files]
    .filter(([file]) => file.includes('/alerting/'))
    .flatMap(([, text]) => (parse(text) as { groups: { rules: ProvisionedRule[] }[] }).groups)
    .flatMap((group) => group.rules);
}

/** Every InfluxQL query in the generated files, read from their text as Grafana would. */
export function grafanaQueries(files: ReadonlyMap<string, string>): GrafanaQuery[] {
  const queries: GrafanaQuery[] = [];
  for (const [file, text] of files) {
    if (!file.endsWith('.json')) continue;
    const dashboard = JSON.parse(text) as {
      panels: PanelJson[];
      templating: { list: { name: string; type: string; query?: string }[] };
    };
    for (const variable of dashboard.templating.list) {
      if (variable.type === 'query') {
        queries.push({ of: `variable ${variable.name}`, kind: 'variable', influxQl: variable.query ?? '' });
      }
    }
    for (const panel of dashboard.panels.flatMap((one) => [one, ...(one.panels ?? [])])) {
      for (const target of panel.targets ?? []) {
        queries.push({ of: `panel "${panel.title}" ${target.refId}`, kind: 'panel', influxQl: target.query });
      }
    }
  }
  for (const rule of provisionedRules(files)) {
    for (const { refId, model } of rule.data) {
      if (model.query !== undefined) {
        queries.push({ of: `rule "${rule.title}" ${refId}`, kind: 'alert', influxQl: model.query });
      }
    }
  }
  return queries;
}

export interface GrafanaContext {
  fromMs: number;
  toMs: number;
  interval: { text: string; ms: number };
  /** Chosen values of the dashboard's variables; null is "All". */
  variables: Record<string, readonly string[] | null>;
}

/**
 * Puts in what Grafana puts in before it sends a query to InfluxDB: template variables as regular expressions (browser),
 * then the macros (server), in the order in which Grafana replaces them.
 */
export function substitute(influxQl: string, context: GrafanaContext): string {
  let text = influxQl;
  for (const [name, values] of Object.entries(context.variables)) {
    const escaped = values?.map((value) => value.replaceAll(/[\\^$*+?.()|[\]{}/]/g, '\\$&'));
    const pattern =
      escaped === undefined ? '.*' : escaped.length === 1 ? (escaped[0] ?? '') : `(${escaped.join('|')})`;
    text = text.replaceAll(new RegExp(`\\$${name}\\b`, 'g'), () => pattern);
  }
  return text
    .replaceAll('$timeFilter', `time >= ${context.fromMs}ms and time <= ${context.toMs}ms`)
    .replaceAll('$interval', context.interval.text)
    .replaceAll('$__interval_ms', String(context.interval.ms))
    .replaceAll('$__interval', context.interval.text);
}
