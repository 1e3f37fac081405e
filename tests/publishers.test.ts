/**
 * Publishers end to end: HTTP-FLV POST into ffmpeg and into the reference server, refusals by the real thing, and what
 * a run does to its publishers on purpose.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { createPublisher } from '../clients/create-publisher.ts';
import { readRecording } from '../clients/sources/recording.ts';
import { RecordingSource } from '../clients/sources/recording-source.ts';
import { TimeWheel } from '../clients/sources/time-wheel.ts';
import { systemClock } from '../clients/system-clock.ts';
import { sign } from '../server/gate/sign.ts';
import { startIngest } from '../server/ingest/supervisor.ts';
import { builtEntry } from './kit/built-entry.ts';
import { runCli, summaryOf, valuesOf } from './kit/cli.ts';
import { endProcess } from './kit/end-process.ts';
import { freePort } from './kit/free-port.ts';
import { type ReadStream, readPackets, stampsIn } from './kit/independent-reader.ts';
import { NotedSource } from './kit/noted-source.ts';
import { listenToPublisher, quickReconnect } from './kit/publisher-contract.ts';

const publisherNumber = 9;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-publishers-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type OnFinished = TestContext['onTestFinished'];

function publish(url: string, onTestFinished: OnFinished, reconnect?: typeof quickReconnect) {
  const recording = readRecording(readFileSync('core/flv/fixtures/h264-aac.flv'), 'the recording');
  const source = new NotedSource(
    new RecordingSource({
      recording,
      publisher: publisherNumber,
      clock: systemClock,
      wheel: new TimeWheel(systemClock),
    }),
  );
  const heard = listenToPublisher();
  const publisher = createPublisher({
    url,
    source,
    clock: systemClock,
    observer: heard.observer,
    ...(reconnect && { reconnect }),
  });
  const sweeper = setInterval(() => publisher.sweep(systemClock.nowMs()), 1_000);
  onTestFinished(async () => {
    clearInterval(sweeper);
    await publisher.stop();
  });
  publisher.start();
  return { publisher, source, recording, ...heard };
}

/** Every picture once, in order, to the byte and the millisecond, over the seams of the loop, each with its stamp. */
function expectSent(read: ReadStream, source: NotedSource, atLeast: number): void {
  const sent = source.video();
  expect(read.video.length).toBeGreaterThan(atLeast);
  const first = sent.findIndex(({ data }) => data.equals(read.video[0]!.data));
  expect(first).toBeGreaterThanOrEqual(0);
  const offsetMs = read.video[0]!.dtsMs - sent[first]!.dtsMs;
  for (const [index, { dtsMs, isKey, data }] of read.video.entries()) {
    const truth = sent[first + index]!;
    expect([dtsMs - offsetMs, isKey, data.equals(truth.data)]).toEqual([truth.dtsMs, truth.isKey, true]);
    expect(stampsIn(data)).toEqual([
      expect.objectContaining({ publisher: publisherNumber, captureUs: truth.captureUs }),
    ]);
  }
  expect(read.audio.length).toBeGreaterThan(atLeast);
}

describe('HTTP-FLV POST', () => {
  it('is received by ffmpeg: every picture at its time and with its stamp', async ({ onTestFinished }) => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/live/a.flv`;
    const file = path.join(folder, 'received.flv');
    const receiver = spawn(
      'ffmpeg',
      ['-v', 'error', '-listen', '1', '-f', 'flv', '-i', url, '-c', 'copy', '-t', '5', '-copyts', '-y', file],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    onTestFinished(() => endProcess(receiver));
    let complaints = '';
    receiver.stderr.on('data', (text) => {
      complaints += String(text);
    });
    const ended = new Promise((resolve) => receiver.once('close', resolve));
    const { source, recording } = publish(url, onTestFinished);
    await ended;
    const read = await readPackets(file, 60);
    // It ends on its own in mid-stream; nothing else is to be complained of.
    expect(complaints.replace(/^.*(Connection reset|Broken pipe|End of file).*\n/gm, '')).toBe('');
    expectSent(read, source, 2 * recording.frames);
  });

  it('is taken by the reference server with a signed address, and read from it over RTMP and HTTP-FLV', async ({
    onTestFinished,
  }) => {
    const server = await startIngest({
      entry: builtEntry('server/ingest/process'),
      publishSecret: 'hush',
    });
    onTestFinished(() => server.stop());
    const expires = Math.round(Date.now() / 1_000) + 600;
    const url = `${server.httpUrl}/live/posted.flv?sign=${sign('/live/posted', 'hush', expires)}`;
    const { source, recording, until, said } = publish(url, onTestFinished);
    await until('connected');
    const [overRtmp, overHttp] = await Promise.all([
      readPackets(`${server.rtmpUrl}/live/posted`, 4),
      readPackets(`${server.httpUrl}/live/posted.flv`, 4),
    ]);
    for (const read of [overRtmp, overHttp]) expectSent(read, source, recording.frames);

    const failureOf = async (address: string) => {
      const { until: untilOther, failures } = publish(address, onTestFinished, quickReconnect);
      await untilOther('ended');
      return failures[0]?.detail.replace(/^127\.0\.0\.1:\d+ /, '');
    };
    expect(await failureOf(url)).toBe(
      'answered 409 Conflict for publishing /live/posted.flv: the stream is being published already; choose another name or end the other publisher',
    );
    expect(await failureOf(`${server.httpUrl}/live/b.flv`)).toMatch(
      /^answered 401 Unauthorized .* not allowed/,
    );
    expect(await failureOf(`${server.httpUrl}/live/b.flv?sign=${expires}-0123`)).toMatch(
      /^answered 403 Forbidden .* not allowed/,
    );
    expect(await failureOf(`${server.httpUrl}/live/b.d.flv`)).toMatch(/^answered 400 Bad Request/);
    expect(said).toEqual(['connected']);
  });
});

describe('streamgauge publish', () => {
  it('gives up a mute server after --timeout, and says what it waited for', async ({ onTestFinished }) => {
    const mute = net.createServer((socket) => socket.on('error', () => {}));
    mute.listen(0, '127.0.0.1');
    await once(mute, 'listening');
    onTestFinished(() => void mute.close());
    const { port } = mute.address() as net.AddressInfo;
    const startedMs = performance.now();
    const result = await runCli(
      ['publish', `rtmp://127.0.0.1:${port}/live/a`, '--source', 'recording', '--timeout', '4s'],
      { cwd: folder },
    );
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('1 of 1 streams were not up after 4 s, "live/a" among them.');
  });

  it('publishes by POST, in a ramp, and says how many streams are up', async ({ onTestFinished }) => {
    const server = await startIngest({ entry: builtEntry('server/ingest/process') });
    onTestFinished(() => server.stop());
    const result = await runCli(
      [
        ...['publish', `${server.httpUrl}/live/{i}.flv`, '--streams', '12', '--source', 'recording'],
        ...['--size', '320x180', '--bitrate', '300k', '--ramp', '2s', '--duration', '3s', '--json'],
      ],
      { cwd: folder },
    );
    expect([result.code, result.stderr]).toEqual([0, expect.any(String)]);
    const [up, end] = result.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(up.streams).toHaveLength(12);
    expect(up.streams[11]).toEqual({ stream: 'live/12', url: `${server.httpUrl}/live/12.flv` });
    expect(end).toMatchObject({ event: 'end', reconnects: 0, failures: [] });
    expect(end.framesSent).toBeGreaterThan(12 * 25 * 3);
  });
});

describe('a run', () => {
  it('cuts a publisher when told to, tells of it, and measures how its viewers come back; churn and a ramp besides', async () => {
    const file = path.join(folder, 'drop.yaml');
    await writeFile(
      file,
      `name: drop
target: reference
publishers:
  - { stream: "live/room-{1..3}", source: recording, bitrate: 300k, size: 320x180, gop: 1s, protocol: http-flv, ramp: 2s }
  - { stream: "live/churn-{1..4}", source: recording, bitrate: 300k, size: 320x180, gop: 1s, churn: { up: 4s, down: 1s } }
viewers:
  - { name: dropped, protocol: http-flv, stream: live/room-2, executor: constant-viewers, viewers: 3, duration: 14s }
  - { name: others, protocol: rtmp, stream: live/room-1, executor: constant-viewers, viewers: 3, duration: 14s }
faults: [ { at: 4s, kind: publisher-drop, stream: live/room-2, for: 3s } ]
thresholds:
  publish_reconnects: [ "count==1" ]
`,
    );
    const result = await runCli(['run', file, '--out', path.join(folder, 'drop'), '--json'], { cwd: folder });
    const summary = summaryOf(result);
    expect(summary.faults).toEqual([
      {
        atMs: expect.any(Number),
        kind: 'publisher-drop',
        detail: expect.stringMatching(
          /^Connection cut: publisher of "live\/room-2"; published again after 3\.\d\d s$/,
        ),
        durationMs: expect.any(Number),
      },
    ]);
    expect(summary.faults[0]!.durationMs).toBeGreaterThanOrEqual(2_980);
    expect(summary.faults[0]!.durationMs).toBeLessThan(3_900);
    expect(summary.thresholds.map(({ ok }) => ok)).toEqual([true]);
    const up = (stream: string, protocol = 'http-flv') =>
      valuesOf(summary, 'publish_up', { protocol, stream }).avg ?? Number.NaN;
    const stalledMs = (cohort: string) =>
      summary.metrics
        .filter(({ name, tags }) => name === 'stall_ms' && tags.cohort === cohort)
        .reduce((sum, { values }) => sum + (values.count ?? 0), 0);
    expect(up('live/room-1')).toBeGreaterThan(0.9);
    expect(up('live/room-2')).toBeLessThan(up('live/room-1'));
    // Four seconds up, one down.
    expect(up('live/churn-1', 'rtmp')).toBeGreaterThan(0.6);
    expect(up('live/churn-1', 'rtmp')).toBeLessThan(0.95);
    expect(stalledMs('dropped')).toBeGreaterThan(3_000);
    expect(stalledMs('others')).toBeLessThan(500);
  });
});
