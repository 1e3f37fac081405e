import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { catalogue, findMetric, tagNames } from '../metrics/catalogue.ts';
import { influxdbFields } from '../sinks/influxdb-point.ts';
import { repositoryRoot } from '../tests/kit/built-entry.ts';
import { grafanaQueries, provisionedRules } from '../tests/kit/grafana-queries.ts';
import { renderDashboards, staleDashboards } from './generate.ts';
import { panelIds, viewersDashboardUid } from './viewers-dashboard.ts';

const generated = path.join(repositoryRoot(), 'dashboards/generated');
const files = renderDashboards();
const queries = grafanaQueries(files);

describe('the generated files', () => {
  it('are those that the sources give; `streamgauge dashboards build` makes them so', async () => {
    expect(await staleDashboards(generated)).toEqual([]);
    const found = (await readdir(generated, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(generated, path.join(entry.parentPath, entry.name)));
    expect(found.sort()).toEqual([...files.keys()].sort());
  });

  it('are seen as stale when one differs', async () => {
    expect(await staleDashboards(generated, { runbooksUrl: 'https://elsewhere' })).toEqual([
      'provisioning/alerting/streamgauge.yaml',
    ]);
  });

  it('hold a $ only where Grafana should see one', () => {
    // Grafana expands $NAME in most of a provisioning file; query models and annotations it takes as they are.
    const alerting = parse(files.get('provisioning/alerting/streamgauge.yaml') ?? '');
    const outside = JSON.stringify(alerting, (key, value) => (key === 'model' ? undefined : value));
    expect(outside).not.toContain('$');
  });
});

describe('every query', () => {
  it('is found: 29 of panels, 3 of variables, 7 of rules', () => {
    const count = (kind: string): number => queries.filter((query) => query.kind === kind).length;
    expect([count('panel'), count('variable'), count('alert')]).toEqual([29, 3, 7]);
  });

  it.each(queries.map(({ of, influxQl }) => [of, influxQl]))(
    'of %s names only what the catalogue has',
    (_, influxQl) => {
      const measurements = [...influxQl.matchAll(/FROM "(\w+)"/g)].map(([, name]) => name ?? '');
      expect(measurements.length).toBeGreaterThan(0);
      const metrics = measurements.map((name) => findMetric(name));
      expect(metrics).not.toContain(null);
      const known = new Set<string>([
        ...measurements,
        ...[...influxQl.matchAll(/ AS "(\w+)"/g)].map(([, alias]) => alias ?? ''),
        ...metrics.flatMap((metric) => (metric ? [...metric.tags, ...influxdbFields[metric.type]] : [])),
      ]);
      const named = [...influxQl.matchAll(/"([^"]+)"/g)].map(([, name]) => name ?? '');
      expect(named.filter((name) => !known.has(name))).toEqual([]);
    },
  );

  it('of an alert says itself from when on it looks', () => {
    for (const { kind, influxQl } of queries)
      if (kind === 'alert') expect(influxQl).toMatch(/time >= now\(\) - \d+m/);
  });

  it('of a panel keeps to the time and the variables chosen', () => {
    for (const { kind, influxQl } of queries)
      if (kind === 'panel') expect(influxQl).toMatch(/\$run.*\$timeFilter/);
  });

  it('would be refused with a field or tag that is not in the catalogue', () => {
    // The net of this file: no tag is called like a field, or a wrong one would slip through.
    const fields = new Set<string>(Object.values(influxdbFields).flat());
    expect(tagNames.filter((tag) => fields.has(tag))).toEqual([]);
    expect(catalogue.length).toBeGreaterThan(50);
  });
});

describe('the alert rules', () => {
  const rules = provisionedRules(files);

  it('are three alerts and the one about silence, in two severities', () => {
    expect(rules.map((rule) => rule.uid)).toEqual([
      'streamgauge-stream-down-page',
      'streamgauge-monitor-blind-page',
      'streamgauge-stalls-warn',
      'streamgauge-stalls-page',
      'streamgauge-first-frame-slow-warn',
      'streamgauge-first-frame-slow-page',
    ]);
  });

  it('page once when the monitor is silent, not once per rule', () => {
    const onSilence = rules.filter((rule) => rule.noDataState !== 'OK' || rule.execErrState !== 'OK');
    expect(onSilence.map((rule) => [rule.uid, rule.noDataState, rule.execErrState])).toEqual([
      ['streamgauge-monitor-blind-page', 'Alerting', 'Alerting'],
    ]);
  });

  it.each(rules.map((rule) => [rule.title, rule] as const))(
    '"%s" tells on-call what it needs',
    async (_, rule) => {
      expect(rule.labels['severity']).toMatch(/^(warn|page)$/);
      expect(rule.keepFiringFor).toBe('5m');
      if (rule.noDataState === 'OK') {
        expect(rule.annotations['summary']).toContain('{{ .Labels.stream }}');
        expect(rule.annotations['summary']).toContain('.Values.C.Value');
      }
      expect(rule.dashboardUid).toBe(viewersDashboardUid);
      expect(Object.values(panelIds)).toContain(rule.panelId);
      const runbook = rule.annotations['runbook_url']?.split('/').at(-1) ?? '';
      const text = await readFile(path.join(repositoryRoot(), 'docs/runbooks', runbook), 'utf8');
      expect(text).toContain(`# ${rule.title.replace(/ \(.*/, '')}`);
    },
  );

  it('reduce before they judge, and refer only to steps that exist', () => {
    for (const rule of rules) {
      const steps = new Map(rule.data.map((step) => [step.refId, step.model]));
      const condition = steps.get(rule.condition);
      expect(condition?.type).toMatch(/^(threshold|math)$/);
      const used = condition?.type === 'math' ? (condition.expression?.match(/(?<=\$)\w/g) ?? []) : ['C'];
      for (const refId of used) {
        expect(steps.get(refId)?.type).toBe('reduce');
        expect(steps.get(steps.get(refId)?.expression ?? '')?.query).toBeTypeOf('string');
      }
    }
  });
});

describe('the dashboard', () => {
  it('gives each panel its own number, a unit, a description and a second as the finest interval', () => {
    const dashboard = JSON.parse(files.get('dashboards/viewers.json') ?? '');
    const panels = dashboard.panels.filter((panel: { type: string }) => panel.type !== 'row');
    const ids = panels.map((panel: { id: number }) => panel.id);
    expect([...ids].sort((a, b) => a - b)).toEqual(Object.values(panelIds).sort((a, b) => a - b));
    for (const panel of panels) {
      expect(panel.interval).toBe('1s');
      expect(panel.fieldConfig.defaults.unit).toBeTypeOf('string');
      expect(panel.description).toMatch(/\.$/);
    }
  });
});
