/** The k6 script against a stream whose every property is known, and against the reference server. */
import { afterEach, describe, expect, it } from 'vitest';
import { findMetric } from '../metrics/catalogue.ts';
import { repositoryRoot } from './kit/built-entry.ts';
import { startCli } from './kit/cli.ts';
import type { K6Sample } from './kit/k6-modules.ts';
import { type Link, type LinkOptions, startLink } from './kit/link.ts';
import { type K6Run, type K6Runner, k6Runner, standInRunner } from './kit/run-k6.ts';
import { runToEnd } from './kit/run-tool.ts';
import { requireTool } from './kit/tools.ts';
import { startTruthServer } from './kit/truth-server.ts';
import { startWsRelay } from './kit/ws-relay.ts';

const script = 'scenarios/k6/ws-flv.ts';
const k6 = requireTool('k6', 'scenarios/k6/ws-flv.ts on k6 itself');
/** Names that k6 writes by itself. */
const ofK6 = /^(ws_|data_|vus|iteration|http_|checks|dropped_iterations)/;

const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of cleanUp.splice(0).reverse()) await stop();
});

/** 600 kbit/s, a key picture each second, behind a link and a WebSocket. */
async function serve(options: Partial<LinkOptions> = {}): Promise<{ link: Link; url: string }> {
  const server = await startTruthServer({ fps: 25, gopFrames: 25, frameBytes: 2_985 });
  cleanUp.push(server.stop);
  const link = await startLink({ port: server.httpPort, ...options });
  cleanUp.push(link.stop);
  const relay = await startWsRelay(link.port);
  cleanUp.push(relay.stop);
  return { link, url: `ws://127.0.0.1:${relay.port}/live/known.flv` };
}

function of(run: K6Run, metric: string): number[] {
  return run.samples.filter((sample: K6Sample) => sample.metric === metric).map(({ value }) => value);
}
const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
const median = (values: number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

it('the script holds to its types', async () => {
  const { code, stdout } = await runToEnd(process.execPath, [
    `${repositoryRoot()}/node_modules/typescript/bin/tsc`,
    ...['--noEmit', '-p', `${repositoryRoot()}/scenarios/k6`],
  ]);
  expect(stdout.toString()).toBe('');
  expect(code).toBe(0);
});

const runners: [string, K6Runner | null][] = [
  ['k6', k6 === null ? null : k6Runner(k6)],
  ['Node with stand-ins for k6', standInRunner],
];

describe.each(runners)('scenarios/k6/ws-flv.ts on %s', (_, runner) => {
  const run: K6Runner = runner ?? (() => Promise.reject(new Error('skipped')));
  const itRuns = it.skipIf(runner === null);

  itRuns('measures first frame, latency, bitrate and sessions as the fleet names them', async () => {
    const { url } = await serve({ down: { delayMs: 500 } });
    const result = await run(script, { URL: url, VUS: '3', DURATION: '5s' });
    expect(result.exitCode).toBe(0);
    for (const name of ['sessions_started', 'sessions_playing', 'sessions_ended'])
      expect(sum(of(result, name))).toBe(3);
    expect(of(result, 'start_failure_ratio')).toEqual([0, 0, 0]);
    const firstFrames = of(result, 'first_frame_ms');
    expect(firstFrames).toHaveLength(3);
    for (const ms of firstFrames) {
      // The link's delay and up to one GOP of a second; no cache.
      expect(ms).toBeGreaterThan(490);
      expect(ms).toBeLessThan(1_900);
    }
    const delivery = median(of(result, 'delivery_ms'));
    expect(delivery).toBeGreaterThan(490);
    expect(delivery).toBeLessThan(600);
    // mpegts.js starts 200 ms behind what has come, and never catches up.
    const latency = median(of(result, 'latency_ms'));
    expect(latency).toBeGreaterThan(delivery + 100);
    expect(latency).toBeLessThan(delivery + 350);
    expect(median(of(result, 'received_bps'))).toBeGreaterThan(570_000);
    expect(median(of(result, 'received_bps'))).toBeLessThan(630_000);
    expect(sum(of(result, 'stall_count'))).toBe(0);
    for (const watched of of(result, 'watched_ms')) expect(Math.abs(watched - 5_000)).toBeLessThan(200);

    const own = result.samples.filter(({ metric }) => !ofK6.test(metric));
    for (const { metric, tags } of own) {
      expect(findMetric(metric), metric).not.toBeNull();
      expect(tags).toMatchObject({ protocol: 'ws-flv', stream: 'live/known' });
    }
  });

  itRuns('sees a cut of three seconds as one stall', async () => {
    const { link, url } = await serve();
    const watching = run(script, { URL: url, DURATION: '8s' });
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    link.cut(3_000);
    const result = await watching;
    expect(sum(of(result, 'stall_count'))).toBe(1);
    expect(sum(of(result, 'stall_count_player'))).toBe(1);
    // Less what the buffer held, and the new start buffer of 400 ms at the end, which arrives at once.
    expect(sum(of(result, 'stall_ms'))).toBeGreaterThan(2_500);
    expect(sum(of(result, 'stall_ms'))).toBeLessThan(3_100);
  });

  itRuns('watches the reference server, fed by the synthetic camera', async () => {
    const serving = startCli(['serve', '--rtmp-port', '0', '--http-port', '0', '--json']);
    cleanUp.push(serving.stop);
    const [, rtmp = '', http = ''] = await serving.sees(/"rtmp":"([^"]+)","http":"([^"]+)"/);
    const publishing = startCli([
      'publish',
      `${rtmp}/live/room-{i}`,
      '--streams',
      '1',
      '--gop',
      '1s',
      '--json',
    ]);
    cleanUp.push(publishing.stop);
    await publishing.sees(/\n/);
    const url = `${http.replace(/^http/, 'ws')}/live/room-1.flv`;
    const result = await run(script, { URL: url, VUS: '4', DURATION: '6s' });
    expect(result.log).toBe('');
    expect(result.exitCode).toBe(0);
    expect(sum(of(result, 'sessions_ended'))).toBe(4);
    expect(sum(of(result, 'stall_count'))).toBe(0);
    // The server keeps the newest GOP, so the first picture comes at once and is up to a GOP old.
    for (const ms of of(result, 'first_frame_ms')) expect(ms).toBeLessThan(1_500);
    const latency = median(of(result, 'latency_ms'));
    expect(latency).toBeGreaterThan(0);
    expect(latency).toBeLessThan(3_000);
  });

  itRuns.each([
    ['a closed port', 'ws://127.0.0.1:9/live/x.flv', 'refused'],
    ['an unknown stream', null, 'closed'],
  ])('counts %s as a failed start', async (_name, url, reason) => {
    const { url: known } = await serve();
    const unknown = known.replace('/live/known', '/nowhere/known');
    const result = await run(script, { URL: url ?? unknown, DURATION: '2s' });
    expect(of(result, 'start_failure_ratio')).toEqual([1]);
    const [failed] = result.samples.filter(({ metric }) => metric === 'sessions_failed');
    expect(failed).toMatchObject({ value: 1, tags: { reason } });
    expect(result.log).toContain(`failed (${reason})`);
  });

  itRuns.each([
    [{}, 'URL is missing: which stream?'],
    [{ URL: 'ws://127.0.0.1/live/x.flv', VUS: 'many' }, 'VUS must be a whole number above 0'],
  ])('refuses %j at once, in one sentence', async (env, sentence) => {
    const result = await run(script, env);
    expect(result.exitCode).toBe(107);
    expect(result.log).toContain(sentence);
  });
});
