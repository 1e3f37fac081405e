import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalogue } from '../metrics/catalogue.ts';
import type { Point } from '../metrics/point.ts';
import { Registry } from '../metrics/registry.ts';
import type { RunInfo, Summary } from '../metrics/summary.ts';
import { createInfluxdbSink } from '../sinks/influxdb.ts';
import { evaluateRule } from '../tests/kit/grafana-alerts.ts';
import { grafanaQueries, provisionedRules, substitute } from '../tests/kit/grafana-queries.ts';
import { type Influxd, startInfluxd } from '../tests/kit/influxd.ts';
import { requireTool } from '../tests/kit/tools.ts';
import { renderDashboards } from './generate.ts';

const files = renderDashboards();
const rules = provisionedRules(files);
const nowMs = Date.now();
const run: RunInfo = {
  id: 'run-1',
  name: 'alerts',
  startedAt: new Date(nowMs).toISOString(),
  version: '0',
  host: { name: 'h', os: 'linux', cpu: 'c', cpus: 1, memoryBytes: 1, node: 'v20' },
};

/** One second of a generator that watches these streams; what is left out is well. */
interface StreamSecond {
  bytes?: number;
  stalledMs?: number;
  firstFrameMs?: number;
}

function second(agoS: number, streams: Record<string, StreamSecond | null>): Point[] {
  const registry = new Registry();
  registry.series('event_loop_lag_ms').add(1);
  registry.series('generator_cpu').add(0.1);
  registry.series('dropped_starts').add(0);
  for (const metric of catalogue)
    if (metric.subject === 'target') registry.series(metric.name, { node: 'target' }).add(7);
  for (const [name, state] of Object.entries(streams)) {
    if (state === null) continue;
    const tags = { protocol: 'rtmp', stream: `live/${name}`, cohort: 'c' };
    registry.series('bytes_received', tags).add(state.bytes ?? 80_000);
    registry.series('stall_ratio', tags).add(state.stalledMs ?? 0, 1_000);
    registry.series('first_frame_ms', tags).add(state.firstFrameMs ?? 200);
    registry.series('latency_ms', tags).add(900);
    registry.series('latency_uncertainty_ms', tags).add(40);
    registry.series('received_bps', tags).add(640_000);
    registry.series('viewers', tags).add(1);
    registry.series('sessions_started', tags).add(1);
    registry.series('sessions_failed', { ...tags, reason: 'no-media' }).add(1);
    registry.series('stall_count', tags).add(0);
    registry.series('stall_count_player', tags).add(0);
  }
  return registry.cut(nowMs - agoS * 1_000);
}

const program = requireTool('influxd', 'dashboard queries and alert rules against a real influxd');

describe.skipIf(program === null)('on a real influxd', () => {
  let influxd: Influxd;
  beforeAll(async () => {
    influxd = await startInfluxd({ program: program ?? '' });
  });
  afterAll(() => influxd?.stop());

  async function fill(
    database: string,
    seconds: Point[][],
  ): Promise<(influxQl: string) => ReturnType<Influxd['query']>> {
    const sink = createInfluxdbSink({ url: `${influxd.url}/${database}` });
    await sink.open(run);
    for (const points of seconds) sink.second(points);
    await sink.close({} as Summary);
    expect(sink.lost).toBe(0);
    return (influxQl) => influxd.query(influxQl, database);
  }

  /** Which rules fire for which streams. */
  async function firing(
    query: (influxQl: string) => ReturnType<Influxd['query']>,
  ): Promise<Record<string, string[]>> {
    const result: Record<string, string[]> = {};
    for (const rule of rules) {
      const evaluation = await evaluateRule(rule, query);
      if (evaluation === 'NoData') {
        if (rule.noDataState === 'Alerting') result[rule.uid] = ['no data'];
      } else if (evaluation.firing.length > 0) {
        result[rule.uid] = evaluation.firing.map((labels) => labels['stream'] ?? '');
      }
    }
    return result;
  }

  // Twenty seconds into the future, as if the run went on: or the minute could change under the test's feet.
  const tenMinutes = Array.from({ length: 620 }, (_, i) => 599 - i);

  it('nothing fires while all is well', async () => {
    const query = await fill(
      'well',
      tenMinutes.map((ago) => second(ago, { a: {}, b: { stalledMs: 9 } })),
    );
    expect(await firing(query)).toEqual({});
  });

  it('each trouble fires its own rule, for its own stream', async () => {
    const query = await fill(
      'trouble',
      tenMinutes.map((ago) =>
        second(ago, {
          well: {},
          silent: ago > 180 ? {} : null,
          starved: ago > 180 ? {} : { bytes: 0 },
          never: { bytes: 0 },
          stalls: { stalledMs: 30 },
          'stalls-badly': { stalledMs: 80 },
          slow: { firstFrameMs: 4_000 },
          'slower still': { firstFrameMs: 9_000 },
          'one slow session': { firstFrameMs: ago === 20 ? 60_000 : 300 },
        }),
      ),
    );
    expect(await firing(query)).toEqual({
      'streamgauge-stream-down-page': ['live/never', 'live/silent', 'live/starved'],
      'streamgauge-stalls-warn': ['live/stalls'],
      'streamgauge-stalls-page': ['live/stalls-badly'],
      'streamgauge-first-frame-slow-warn': ['live/slow'],
      'streamgauge-first-frame-slow-page': ['live/slower still'],
    });
  });

  it('a silent monitor fires one rule, not all', async () => {
    const query = await fill(
      'blind',
      tenMinutes.filter((ago) => ago > 180).map((ago) => second(ago, { a: {}, b: {} })),
    );
    expect(await firing(query)).toEqual({ 'streamgauge-monitor-blind-page': ['no data'] });
    await influxd.query('CREATE DATABASE empty');
    expect(await firing((influxQl) => influxd.query(influxQl, 'empty'))).toEqual({
      'streamgauge-monitor-blind-page': ['no data'],
    });
  });

  describe.each([
    ['All', { run: null, stream: null, protocol: null }],
    ['one value', { run: ['run-1'], stream: ['live/a.b+c'], protocol: ['rtmp'] }],
    [
      'two values',
      { run: ['run-1', 'other'], stream: ['live/a.b+c', 'live/d'], protocol: ['rtmp', 'http-flv'] },
    ],
  ])('every query returns rows with variables on %s', (name, variables) => {
    const context = {
      fromMs: nowMs - 600_000,
      toMs: nowMs,
      interval: { text: '10s', ms: 10_000 },
      variables: variables as Record<string, string[] | null>,
    };
    let query: (influxQl: string) => ReturnType<Influxd['query']>;
    beforeAll(async () => {
      query = await fill(
        name,
        tenMinutes.map((ago) => second(ago, { 'a.b+c': {}, d: {} })),
      );
    });

    it.each(grafanaQueries(files).map(({ of, influxQl }) => [of, influxQl]))('%s', async (_, influxQl) => {
      const sent = substitute(influxQl, context);
      expect(sent).not.toMatch(/\$\w/); // every variable and macro is filled in
      const rows = (await query(sent)).flatMap((series) => series.values);
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.some((row) => row.slice(1).every((value) => value !== null))).toBe(true);
    });
  });

  it('viewers are added up over streams and protocols, not over the seconds of an interval', async () => {
    const query = await fill(
      'sums',
      tenMinutes.map((ago) => second(ago, { a: {}, b: {}, c: {} })),
    );
    const viewers = grafanaQueries(files).find(({ of }) => of === 'panel "Viewers" A');
    const [series] = await query(
      substitute(viewers?.influxQl ?? '', {
        fromMs: nowMs - 300_000,
        toMs: nowMs,
        interval: { text: '30s', ms: 30_000 },
        variables: { run: null, stream: null, protocol: null },
      }),
    );
    expect(new Set(series?.values.map(([, value]) => value))).toEqual(new Set([3]));
  });
});
