/**
 * The product against servers that are not ours: Debian's nginx with the RTMP module, and node-media-server without
 * our hardening. What is measured is held against what is known (what was asked of the publisher) and against what
 * the server counts for itself.
 */
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import type { ProbeResult } from '../probes/timing-probe.ts';
import { startServer } from '../server/ingest/fixtures/test-servers.ts';
import { type CliResult, type RunningCli, runCli, startCli, summaryOf, valuesOf } from './kit/cli.ts';
import { type NginxRtmp, startNginxRtmp } from './kit/nginx-rtmp.ts';
import { type NginxStream, readStatistics } from './kit/nginx-statistics.ts';
import { runFfmpeg } from './kit/run-tool.ts';
import { requireTool } from './kit/tools.ts';

const nginxProgram = requireTool('nginx', 'the product against an RTMP server that is not ours');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-foreign-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let runs = 0;
const out = (): string[] => ['--json', '--out', path.join(folder, `run-${++runs}`)];
const watch = (...args: string[]): Promise<CliResult> => runCli(['watch', ...args, ...out()]);

/** Of the test's context: several tests run at a time. */
type OnFinished = TestContext['onTestFinished'];

async function startNginx(onTestFinished: OnFinished): Promise<NginxRtmp> {
  const server = await startNginxRtmp(nginxProgram as string);
  onTestFinished(() => server.stop());
  return server;
}

/** A publisher of the product; resolves when its streams are up. */
async function publish(onTestFinished: OnFinished, url: string, ...args: string[]): Promise<RunningCli> {
  const publisher = startCli(['publish', url, ...args, '--json']);
  onTestFinished(() => publisher.stop());
  await publisher.sees(/"event":"up"/);
  return publisher;
}

async function probe(...urls: string[]): Promise<ProbeResult[]> {
  const { stdout, stderr } = await runCli(['probe', ...urls, '--for', '6s', '--json']);
  expect(stdout, stderr).toMatch(/^\[/);
  return JSON.parse(stdout) as ProbeResult[];
}

async function eventually<T>(what: string, look: () => Promise<T | null>, withinMs = 10_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error(`${what} did not come about within ${withinMs} ms`);
    await delay(50);
  }
}

/** The statistics of some streams, once each has so many players. */
function statisticsWith(server: NginxRtmp, players: Record<string, number>): Promise<NginxStream[]> {
  return eventually(`players ${JSON.stringify(players)}`, async () => {
    const streams = readStatistics(await server.statistics());
    const wanted = Object.entries(players).map(([name, count]) => {
      const stream = streams.get(name);
      return stream?.players === count && stream.video ? stream : null;
    });
    return wanted.includes(null) ? null : (wanted as NginxStream[]);
  });
}

/**
 * Nothing failed and every threshold holds. Where this machine was too busy to measure, the product says so
 * (inconclusive, 96): then that is the right answer, and the figures are still looked at.
 */
function expectPassed(result: CliResult): ReturnType<typeof summaryOf> {
  const summary = summaryOf(result);
  expect(summary.errors).toEqual([]);
  expect(summary.thresholds.filter(({ ok }) => !ok)).toEqual([]);
  const passed = summary.generator.valid ? ['pass', 0, 0] : ['inconclusive', 96, 96];
  expect([summary.verdict, summary.exitCode, result.code]).toEqual(passed);
  return summary;
}

function between(value: number | null | undefined, low: number, high: number): void {
  expect(value).toBeGreaterThan(low);
  expect(value).toBeLessThan(high);
}

/** node-media-server without our hardening. */
async function startPlain(onTestFinished: OnFinished) {
  const server = await startServer('plain', '');
  onTestFinished(() => server.dispose());
  const { rtmpPort, httpPort } = server;
  return {
    rtmp: (name: string) => `rtmp://127.0.0.1:${rtmpPort}/live/${name}`,
    flv: (name: string) => `http://127.0.0.1:${httpPort}/live/${name}.flv`,
  };
}

const onNginx = it.skipIf(nginxProgram === null);

onNginx(
  'nginx-rtmp and test cards: what viewers and probe measure is what was asked for and what nginx counts',
  async ({ onTestFinished }) => {
    const server = await startNginx(onTestFinished);
    const url = (room: number | string): string => `${server.rtmpUrl}/room-${room}`;
    await publish(
      onTestFinished,
      url('{i}'),
      ...['--streams', '2', '--size', '640x360', '--fps', '20', '--bitrate', '500k', '--gop', '2s'],
    );
    const watching = watch(url('{1..2}'), '--viewers', '8', '--ramp', '4s', '--duration', '12s');
    const probing = probe(url(1), url(2));
    // Four viewers each; the probes have left by then.
    const probed = await probing;
    const midway = await statisticsWith(server, { 'room-1': 4, 'room-2': 4 });
    const summary = expectPassed(await watching);

    expect(valuesOf(summary, 'sessions_playing')).toMatchObject({ count: 8 });
    expect(valuesOf(summary, 'frames_missing')).toMatchObject({ num: 0 });
    // A key picture every 2 s and no GOP cache: two viewers that come half a second apart wait half a second less
    // or more, and none much longer than a GOP. Sound comes at once and is no picture.
    const firstFrame = valuesOf(summary, 'first_frame_ms');
    expect(firstFrame.count).toBe(8);
    expect(firstFrame.max! - firstFrame.min!).toBeGreaterThan(900);
    between(firstFrame.max, 1_200, 3_000);
    // Glass to glass holds delivery, the start buffer and little else.
    const delivery = valuesOf(summary, 'delivery_ms').med!;
    between(delivery, 0, 500);
    between(valuesOf(summary, 'latency_ms').med, delivery, 1_500);
    expect(valuesOf(summary, 'stall_ratio').value).toBeLessThan(0.05);
    for (const metric of ['received_bps', 'media_bps'] as const)
      between(valuesOf(summary, metric).avg, 375_000, 600_000);

    for (const stream of midway) {
      expect(stream).toMatchObject({
        publishers: 1,
        video: { width: 640, height: 360, fps: 20, codec: 'H264', profile: 'High' },
        audio: { codec: 'AAC', profile: 'LC', channels: 2, sampleRate: 48_000 },
      });
      between((stream.bytesIn * 8_000) / stream.ageMs, 350_000, 600_000);
    }
    const after = await statisticsWith(server, { 'room-1': 0, 'room-2': 0 });
    for (const [index, { name, bytesOut }] of after.entries()) {
      const tags = { protocol: 'rtmp', stream: `live/${name}` };
      const { bytesReceived } = probed[index]!.outcome.figures;
      const received = valuesOf(summary, 'bytes_received', tags).count! + bytesReceived;
      // nginx counts messages only: not its handshakes (3 KB each) and replies.
      between(received / bytesOut, 1, 1.06);
    }

    for (const { facts, counts, findings, metrics, outcome } of probed) {
      expect(facts).toMatchObject({
        videoCodec: 'h264',
        picture: { profile: 'High', width: 640, height: 360, fps: 20 },
        audioCodec: 'aac',
        declared: { width: 640, height: 360, fps: 20 },
      });
      expect([counts.backwards, counts.gaps, outcome.figures.framesMissing]).toEqual([0, 0, 0]);
      between(metrics.find(({ name }) => name === 'fps')?.values.avg, 14, 22);
      // Of a starved encoder the key pictures are a few slots late.
      between(metrics.find(({ name }) => name === 'gop_ms')?.values.avg, 1_900, 2_800);
      const level = (subject: string) => findings.find((finding) => finding.subject === subject)?.level;
      expect(['picture', 'timestamps', 'frames', 'key frames'].map(level)).toEqual(['ok', 'ok', 'ok', 'ok']);
    }
  },
);

describe('other media', () => {
  onNginx.concurrent(
    'nginx-rtmp, a recording and a file: replayed over their seams without a frame missing or a timestamp out of step',
    async ({ onTestFinished }) => {
      const server = await startNginx(onTestFinished);
      const file = path.join(folder, 'three-seconds.mp4');
      await runFfmpeg([
        ...[
          '-f',
          'lavfi',
          '-i',
          'testsrc2=size=320x240:rate=25',
          '-f',
          'lavfi',
          '-i',
          'sine=sample_rate=44100',
        ],
        ...[
          '-t',
          '3',
          '-c:v',
          'libx264',
          '-preset',
          'ultrafast',
          '-pix_fmt',
          'yuv420p',
          '-g',
          '25',
          '-bf',
          '2',
        ],
        ...['-c:a', 'aac', file],
      ]);
      const [recording, looped] = await Promise.all([
        publish(
          onTestFinished,
          `${server.rtmpUrl}/bulk-{i}`,
          '--streams',
          '3',
          '--source',
          'recording',
          '--gop',
          '1s',
        ),
        publish(onTestFinished, `${server.rtmpUrl}/file`, '--source', file),
      ]);
      const urls = [`${server.rtmpUrl}/bulk-{1..3}`, `${server.rtmpUrl}/file`];
      const [watched, [bulk, fromFile]] = await Promise.all([
        watch(...urls, '--duration', '10s'),
        probe(`${server.rtmpUrl}/bulk-1`, `${server.rtmpUrl}/file`),
      ]);
      const summary = expectPassed(watched);
      expect(valuesOf(summary, 'sessions_playing')).toMatchObject({ count: 4 });
      expect(valuesOf(summary, 'frames_missing')).toMatchObject({ num: 0 });
      for (const stream of ['bulk-1', 'bulk-2', 'bulk-3', 'file']) {
        const tags = { protocol: 'rtmp', stream: `live/${stream}` };
        // 10 s less the wait for the first key picture, at 25 fps, each stamped.
        between(valuesOf(summary, 'delivery_ms', tags).count, 150, 260);
        between(valuesOf(summary, 'latency_ms', tags).med, 0, 1_500);
      }
      expect(bulk?.facts.picture).toMatchObject({ width: 640, height: 360, fps: 25 });
      expect(fromFile?.facts.picture).toMatchObject({ width: 320, height: 240, fps: 25 });
      for (const { counts, outcome } of [bulk!, fromFile!]) {
        expect([counts.backwards, counts.gaps, outcome.figures.framesMissing]).toEqual([0, 0, 0]);
        // Six seconds: the file's seam went by twice.
        expect(counts.mediaMs).toBeGreaterThan(5_000);
      }

      for (const publisher of [recording, looped]) publisher.child.kill('SIGINT');
      for (const { code, stdout } of [await recording.done, await looped.done]) {
        expect(code).toBe(0);
        expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toMatchObject({
          event: 'end',
          reconnects: 0,
          failures: [],
        });
      }
    },
  );

  onNginx.concurrent(
    'a scenario with nginx-rtmp as the target ends with a verdict and a report',
    async ({ onTestFinished }) => {
      const server = await startNginx(onTestFinished);
      const file = path.join(folder, 'foreign.yaml');
      await writeFile(
        file,
        `name: foreign
target: { rtmp: ${server.rtmpUrl.replace(/\/live$/, '')} }
publishers:
  - { stream: "live/room-{1..2}", source: recording, bitrate: 400k, gop: 1s }
viewers:
  - { name: steady, protocol: rtmp, stream: "live/room-{1..2}", executor: constant-viewers, viewers: 6, duration: 12s }
  - { name: come-and-go, protocol: rtmp, stream: live/room-1, executor: constant-arrival-rate, rate: 1, duration: 8s, watch: 3s }
thresholds:
  first_frame_ms: [ "p(95)<3000" ]
  stall_ratio: [ "value<0.1" ]
  "sessions_playing{cohort:steady}": [ "count==6" ]
  start_failure_ratio: [ "value==0" ]
`,
      );
      const folderOfRun = path.join(folder, 'foreign-run');
      const result = await runCli(['run', file, '--json', '--out', folderOfRun]);
      const summary = expectPassed(result);
      expect(summary.run.target).toBe(server.rtmpUrl.replace(/\/live$/, ''));
      expect(summary.thresholds).toHaveLength(4);
      between(valuesOf(summary, 'sessions_started').count, 12, 15.5);
      between(valuesOf(summary, 'publish_bps').avg, 300_000, 480_000);
      for (const name of [
        'summary.json',
        'summary.md',
        'report.html',
        'junit.xml',
        'run.duckdb',
        'scenario.json',
      ])
        await access(path.join(folderOfRun, name));
    },
  );

  it.concurrent('node-media-server as it comes: its HTTP-FLV plays and is measured, though it has no Content-Type and says @setDataFrame', async ({
    onTestFinished,
  }) => {
    const { rtmp, flv } = await startPlain(onTestFinished);
    await publish(
      onTestFinished,
      rtmp('room-{i}'),
      '--streams',
      '2',
      '--source',
      'recording',
      '--bitrate',
      '500k',
    );
    const { headers, body } = await fetch(flv('room-1'));
    expect(headers.get('content-type')).toBeNull();
    await body?.cancel();

    const [watched, probed] = await Promise.all([
      watch(flv('room-{1..2}'), rtmp('room-{1..2}'), '--viewers', '8', '--ramp', '2s', '--duration', '10s'),
      probe(flv('room-1'), rtmp('room-2')),
    ]);
    const summary = expectPassed(watched);
    for (const protocol of ['http-flv', 'rtmp']) {
      expect(valuesOf(summary, 'sessions_playing', { protocol })).toMatchObject({ count: 4 });
      // It has a GOP cache: whoever comes has a picture at once, as old as the GOP is by then.
      expect(valuesOf(summary, 'first_frame_ms', { protocol }).max).toBeLessThan(1_000);
      between(valuesOf(summary, 'join_lag_ms', { protocol }).max, 500, 3_000);
      between(valuesOf(summary, 'media_bps', { protocol }).avg, 400_000, 650_000);
    }
    expect(valuesOf(summary, 'frames_missing')).toMatchObject({ num: 0 });
    for (const { facts, counts, outcome } of probed) {
      expect(facts).toMatchObject({
        videoCodec: 'h264',
        picture: { width: 640, height: 360, fps: 25 },
        audioCodec: 'aac',
        declared: { width: 640, height: 360 },
      });
      expect([counts.backwards, counts.gaps, outcome.figures.framesMissing]).toEqual([0, 0, 0]);
    }
  });
});

describe('what dies', () => {
  onNginx.concurrent(
    'a publisher that is killed: viewers say so at once, and those that may come back play its successor',
    async ({ onTestFinished }) => {
      const server = await startNginx(onTestFinished);
      const url = `${server.rtmpUrl}/mortal`;
      const first = await publish(onTestFinished, url, '--source', 'recording', '--gop', '1s');
      const leaving = watch(url, '--viewers', '3', '--duration', '30s', '--no-reconnect');
      const staying = watch(url, '--viewers', '3', '--duration', '16s');
      await statisticsWith(server, { mortal: 6 });
      await delay(2_000);
      const killedMs = performance.now();
      first.child.kill('SIGKILL');
      const left = summaryOf(await leaving);
      // Far below the 10 s of silence after which a viewer gives up by itself.
      expect(performance.now() - killedMs).toBeLessThan(8_000);
      expect(left.errors).toEqual([
        {
          code: 'publisher-gone',
          count: 3,
          example: expect.stringContaining(`127.0.0.1:${server.rtmpPort}`),
        },
      ]);
      expect(valuesOf(left, 'play_failure_ratio')).toMatchObject({ num: 3, den: 3 });

      await publish(onTestFinished, url, '--source', 'recording', '--gop', '1s');
      const summary = expectPassed(await staying);
      const reconnect = valuesOf(summary, 'reconnect_ms');
      expect(reconnect.count).toBe(3);
      between(reconnect.max, 500, 15_000);
      // The stalls are the same absence of media, less what the buffers held.
      expect(valuesOf(summary, 'stall_count')).toMatchObject({ count: 3 });
      // (What fell into a second in which this machine was too busy to measure is kept apart.)
      const apartMs = summary.generator.invalidSeconds * 1_000;
      const stallMs = valuesOf(summary, 'stall_ms').count! / 3;
      between(stallMs, reconnect.min! - 1_000 - apartMs, reconnect.max! + 200);
    },
  );

  onNginx.concurrent(
    'a server that dies and comes back: publisher and viewers reconnect, and how long it took is measured',
    async ({ onTestFinished }) => {
      const server = await startNginx(onTestFinished);
      const url = `${server.rtmpUrl}/room`;
      const publisher = await publish(onTestFinished, url, '--source', 'recording', '--gop', '1s');
      const watching = watch(url, '--viewers', '3', '--duration', '16s');
      await statisticsWith(server, { room: 3 });
      await delay(3_000);
      const downMs = performance.now();
      await server.crash();
      await delay(1_500);
      await server.startAgain();
      const outageMs = performance.now() - downMs;
      const summary = expectPassed(await watching);
      expect(valuesOf(summary, 'sessions_playing')).toMatchObject({ count: 3 });
      const reconnect = valuesOf(summary, 'reconnect_ms');
      expect(reconnect.count).toBe(3);
      between(reconnect.min, outageMs - 300, outageMs + 12_000);
      publisher.child.kill('SIGINT');
      const { stdout, stderr } = await publisher.done;
      expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toMatchObject({ reconnects: 1, failures: [] });
      expect(stderr).toContain('tried again');
    },
  );

  it.concurrent('where a server only falls silent, viewers give up within their bounds and say what was missing', async ({
    onTestFinished,
  }) => {
    const { rtmp, flv } = await startPlain(onTestFinished);
    const publisher = await publish(onTestFinished, rtmp('mortal'), '--source', 'recording');
    const orphaned = watch(flv('mortal'), '--duration', '40s', '--no-reconnect');
    // An unknown stream is answered with 200 and nothing else.
    const startedMs = performance.now();
    const unknown = watch(flv('never-published'), '--duration', '40s', '--no-reconnect');
    await delay(4_000);
    publisher.child.kill('SIGKILL');
    const [noStream, noPublisher] = [summaryOf(await unknown), summaryOf(await orphaned)];
    expect(performance.now() - startedMs).toBeLessThan(30_000);
    for (const [summary, phase] of [
      [noStream, 'start_failure_ratio'],
      [noPublisher, 'play_failure_ratio'],
    ] as const) {
      expect(summary.errors).toEqual([
        { code: 'no-media', count: 1, example: expect.stringContaining('check') },
      ]);
      expect(valuesOf(summary, phase)).toMatchObject({ num: 1, den: 1 });
    }
  });
});
