/**
 * After a real run every query of the dashboard and of the alert rules returns rows. The run has a bit of everything that
 * is shown: streams that are well, a stall (a cut link) and failures (a stream that does not exist).
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderDashboards } from '../dashboards/generate.ts';
import type { Summary } from '../metrics/summary.ts';
import { startCli, summaryOf, valuesOf } from './kit/cli.ts';
import { evaluateRule } from './kit/grafana-alerts.ts';
import { type GrafanaContext, grafanaQueries, provisionedRules, substitute } from './kit/grafana-queries.ts';
import { type Influxd, startInfluxd } from './kit/influxd.ts';
import { startLink } from './kit/link.ts';
import { requireTool } from './kit/tools.ts';
import { startTruthServer } from './kit/truth-server.ts';

const program = requireTool('influxd', 'the dashboard after a real run');
const files = renderDashboards();

describe.skipIf(program === null)('after a real run', () => {
  const cleanUp: (() => Promise<void>)[] = [];
  let influxd: Influxd;
  let summary: Summary;
  let context: GrafanaContext;

  beforeAll(async () => {
    influxd = await startInfluxd({ program: program ?? '' });
    cleanUp.push(() => influxd.stop());
    const server = await startTruthServer({ fps: 25, gopFrames: 25, frameBytes: 2_985 });
    cleanUp.push(server.stop);
    const link = await startLink({ port: server.httpPort });
    cleanUp.push(link.stop);
    const folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-dashboards-'));
    cleanUp.push(() => rm(folder, { recursive: true, force: true }));

    const cohort = (name: string, url: string): object => ({
      ...{ name, url, executor: 'constant-viewers', viewers: 3, duration: '14s' },
    });
    const scenario = {
      name: 'for-the-dashboard',
      viewers: [
        cohort('rtmp', `rtmp://127.0.0.1:${server.rtmpPort}/live/well`),
        cohort('flv', `http://127.0.0.1:${link.port}/live/cut.flv`),
        cohort('lost', `http://127.0.0.1:${server.httpPort}/nowhere/missing.flv`),
      ],
    };
    const file = path.join(folder, 'scenario.json');
    await writeFile(file, JSON.stringify(scenario));
    const fromMs = Date.now();
    const run = startCli([
      'run',
      file,
      '--influxdb',
      `${influxd.url}/streamgauge`,
      '--out',
      `${folder}/out`,
      '--json',
    ]);
    cleanUp.push(run.stop);
    setTimeout(() => link.cut(3_000), 6_000);
    summary = summaryOf(await run.done);
    context = {
      fromMs,
      toMs: Date.now(),
      interval: { text: '2s', ms: 2_000 },
      variables: { run: null, stream: null, protocol: null },
    };
  });
  afterAll(async () => {
    for (const stop of cleanUp.reverse()) await stop();
  });

  const query = (influxQl: string) => influxd.query(influxQl, 'streamgauge');

  it.each(grafanaQueries(files).map(({ of, influxQl }) => [of, influxQl]))(
    '%s returns rows',
    async (_, influxQl) => {
      const rows = (await query(substitute(influxQl, context))).flatMap((series) => series.values);
      expect(rows.some((row) => row.slice(1).every((value) => value !== null))).toBe(true);
    },
  );

  it('InfluxDB holds what the summary says', async () => {
    const total = async (influxQl: string): Promise<number> =>
      Number((await query(influxQl))[0]?.values[0]?.[1]);
    expect(await total('SELECT sum("value") FROM "bytes_received"')).toBe(
      valuesOf(summary, 'bytes_received').count,
    );
    expect(await total('SELECT sum("value") FROM "sessions_started"')).toBe(
      valuesOf(summary, 'sessions_started').count,
    );
    expect(await total('SELECT sum("count") FROM "first_frame_ms"')).toBe(
      valuesOf(summary, 'first_frame_ms').count,
    );
    expect(await total('SELECT max("max") FROM "latency_ms"')).toBeCloseTo(
      valuesOf(summary, 'latency_ms').max ?? Number.NaN,
      3,
    );
    expect(await total('SELECT sum("num") / sum("den") FROM "stall_ratio"')).toBeCloseTo(
      valuesOf(summary, 'stall_ratio').value ?? Number.NaN,
      6,
    );
  });

  it('tags every point with the run, so that two runs can be told apart', async () => {
    const found = await query('SHOW TAG VALUES WITH KEY = "run"');
    expect(new Set(found.flatMap((series) => series.values.map(([, value]) => value)))).toEqual(
      new Set([summary.run.id]),
    );
    const untagged = await query(`SELECT count(/value|count/) FROM /.*/ WHERE "run" = ''`);
    expect(untagged).toEqual([]);
  });

  it('the stalled stream fires its alert, the one that is well does not', async () => {
    const [, page] = provisionedRules(files).filter((rule) => rule.uid.startsWith('streamgauge-stalls'));
    if (page === undefined) throw new Error('the rule is gone');
    const evaluation = await evaluateRule(page, query);
    // Three seconds of fourteen: 5 % and more.
    expect(evaluation).toMatchObject({ firing: [{ stream: 'live/cut' }] });
  });
});
