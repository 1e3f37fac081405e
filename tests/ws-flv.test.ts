/**
 * WS-FLV and WSS-FLV as a user starts the product: against the reference server, which writes several messages at a
 * time and says why it ends, and against node-media-server as it comes, which sends one FLV tag in each message.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { WebSocket } from 'ws';
import { startServer } from '../server/ingest/fixtures/test-servers.ts';
import { startIngest } from '../server/ingest/supervisor.ts';
import { builtEntry } from './kit/built-entry.ts';
import { loopbackCertificate } from './kit/certificate.ts';
import { type CliResult, type RunningCli, runCli, startCli, summaryOf, valuesOf } from './kit/cli.ts';
import { startForwarder } from './kit/forwarder.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-ws-flv-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type OnFinished = TestContext['onTestFinished'];

let runs = 0;
const out = (): string[] => ['--json', '--out', path.join(folder, `run-${++runs}`)];
const watch = (...args: string[]): Promise<CliResult> =>
  runCli(['watch', ...args, '--no-reconnect', ...out()]);

async function publish(onTestFinished: OnFinished, url: string): Promise<RunningCli> {
  const publisher = startCli(['publish', url, '--source', 'recording', '--gop', '1s', '--json']);
  onTestFinished(() => publisher.stop());
  await publisher.sees(/"event":"up"/);
  return publisher;
}

async function startReference(onTestFinished: OnFinished, secrets: { playSecret?: string } = {}) {
  const server = await startIngest({ entry: builtEntry('server/ingest/process'), ...secrets });
  onTestFinished(() => server.stop());
  return server;
}

/** All play, nothing is missing; 96: this machine was too busy to measure. */
function expectPlayed(result: CliResult, sessions: number): ReturnType<typeof summaryOf> {
  const summary = summaryOf(result);
  expect(summary.errors, result.stderr).toEqual([]);
  expect([0, 96]).toContain(result.code);
  expect(valuesOf(summary, 'sessions_playing')).toMatchObject({ count: sessions });
  expect(valuesOf(summary, 'frames_missing')).toMatchObject({ num: 0 });
  return summary;
}

const errorsOf = (result: CliResult) => summaryOf(result).errors.map(({ code, count }) => [code, count]);

it.concurrent('the reference server: a scenario measures the same over WS-FLV as over HTTP-FLV', async () => {
  const file = path.join(folder, 'both.yaml');
  const cohort = (protocol: string): string =>
    `  - { protocol: ${protocol}, stream: live/a, executor: constant-viewers, viewers: 5, ramp: 2s, duration: 10s }\n`;
  await writeFile(
    file,
    `name: both
target: reference
publishers: [ { stream: live/a, source: recording, bitrate: 600k, gop: 1s } ]
viewers:
${cohort('ws-flv')}${cohort('http-flv')}thresholds:
  "sessions_playing{protocol:ws-flv}": [ "count==5" ]
`,
  );
  const summary = expectPlayed(await runCli(['run', file, ...out()]), 10);
  const figures = (metric: string) =>
    ['ws-flv', 'http-flv'].map((protocol) => valuesOf(summary, metric as 'latency_ms', { protocol }));
  const [wsBits, httpBits] = figures('received_bps').map(({ avg }) => avg!);
  expect(wsBits! / httpBits!).toBeGreaterThan(0.95);
  expect(wsBits! / httpBits!).toBeLessThan(1.05);
  for (const metric of ['first_frame_ms', 'delivery_ms', 'latency_ms']) {
    const [ws, http] = figures(metric).map(({ med }) => med!);
    expect(Math.abs(ws! - http!), metric).toBeLessThan(250);
  }
  const [connect, firstByte] = ['connect_ms', 'first_byte_ms'].map((metric) => figures(metric)[0]!);
  expect(connect!.count).toBe(5);
  expect(firstByte!.min).toBeGreaterThanOrEqual(connect!.min!);
});

it.concurrent('the reference server over WSS; and what a probe says of it', async ({ onTestFinished }) => {
  const server = await startReference(onTestFinished);
  const secure = await startForwarder({ port: server.httpPort, certificate: loopbackCertificate() });
  onTestFinished(() => secure.stop());
  await publish(onTestFinished, `${server.rtmpUrl}/live/a`);
  const url = `wss://127.0.0.1:${secure.port}/live/a.flv`;
  const [watched, probed, untrusted] = await Promise.all([
    watch(url, '--viewers', '3', '--duration', '6s', '--insecure'),
    runCli(['probe', url, '--for', '4s', '--insecure', '--json']),
    watch(url, '--duration', '6s'),
  ]);
  expectPlayed(watched, 3);
  expect(JSON.parse(probed.stdout)).toMatchObject([
    { protocol: 'ws-flv', stream: 'live/a', facts: { videoCodec: 'h264', audioCodec: 'aac' } },
  ]);
  expect(errorsOf(untrusted)).toEqual([['tls', 1]]);
});

it.concurrent('the reference server turns viewers down, and tells them that the publisher has left', async ({
  onTestFinished,
}) => {
  const [open, gated] = await Promise.all([
    startReference(onTestFinished),
    startReference(onTestFinished, { playSecret: 'hush' }),
  ]);
  const url = (port: number, name: string): string => `ws://127.0.0.1:${port}/live/${name}.flv`;
  const publisher = await publish(onTestFinished, `${open.rtmpUrl}/live/a`);
  const leaving = startCli([
    'watch',
    url(open.httpPort, 'a'),
    '--duration',
    '30s',
    '--no-reconnect',
    ...out(),
  ]);
  onTestFinished(() => leaving.stop());
  const [unknown, unsigned, wrong] = await Promise.all([
    watch(url(open.httpPort, 'nobody'), '--duration', '4s'),
    watch(url(gated.httpPort, 'a'), '--duration', '4s'),
    watch(`${url(gated.httpPort, 'a')}?sign=9999999999-0123456789abcdef0123456789abcdef`, '--duration', '4s'),
  ]);
  expect([unknown, unsigned, wrong].map(errorsOf)).toEqual([
    [['not-found', 1]],
    [['auth', 1]],
    [['auth', 1]],
  ]);
  publisher.child.kill('SIGINT');
  expect(errorsOf(await leaving.done)).toEqual([['publisher-gone', 1]]);
});

it.concurrent('node-media-server as it comes: one tag in each message, played and measured; silence for an unknown stream', async ({
  onTestFinished,
}) => {
  const server = await startServer('plain', '');
  onTestFinished(() => server.dispose());
  await publish(onTestFinished, `rtmp://127.0.0.1:${server.rtmpPort}/live/a`);
  const url = `ws://127.0.0.1:${server.httpPort}/live/a.flv`;

  // What makes this server the other case: each message is a tag, with the size of it at its end.
  const raw = new WebSocket(url);
  onTestFinished(() => raw.terminate());
  const messages: Buffer[] = [];
  raw.on('message', (bytes: Buffer) => messages.push(bytes));
  const unknown = watch(url.replace('/a.flv', '/nobody.flv'), '--duration', '30s');
  const summary = expectPlayed(await watch(url, '--viewers', '4', '--ramp', '1s', '--duration', '8s'), 4);
  const tags = messages.filter((bytes) => bytes.toString('latin1', 0, 3) !== 'FLV');
  expect(tags.length).toBeGreaterThan(200);
  for (const tag of tags) expect(tag.readUInt32BE(tag.length - 4)).toBe(tag.length - 4);

  // It has a GOP cache: whoever comes has a picture at once.
  expect(valuesOf(summary, 'first_frame_ms').max).toBeLessThan(1_000);
  expect(valuesOf(summary, 'stall_ratio').value).toBeLessThan(0.05);
  expect(valuesOf(summary, 'latency_ms').count).toBeGreaterThan(15);
  // 25 pictures a second, each stamped.
  expect(valuesOf(summary, 'delivery_ms').count).toBeGreaterThan(4 * 25 * 6);
  expect(errorsOf(await unknown)).toEqual([['no-media', 1]]);
});
