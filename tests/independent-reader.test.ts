/**
 * An independent reader agrees: what ffprobe and ffmpeg find in a published stream, off a server, is what the
 * publisher was given to send: every frame once, to the byte and the millisecond, with its stamps.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { RtmpPublisher } from '../clients/rtmp-publisher.ts';
import { recordTestcard } from '../clients/sources/record-testcard.ts';
import { readRecording } from '../clients/sources/recording.ts';
import { RecordingSource } from '../clients/sources/recording-source.ts';
import { TestcardSource } from '../clients/sources/testcard.ts';
import { TimeWheel } from '../clients/sources/time-wheel.ts';
import { systemClock } from '../clients/system-clock.ts';
import { readCells } from '../core/stamp/cells.ts';
import { startIngest } from '../server/ingest/supervisor.ts';
import { builtEntry } from './kit/built-entry.ts';
import {
  decodePictures,
  type ReadPacket,
  type ReadStream,
  readPackets,
  readStamp,
  readUserData,
  stampsIn,
} from './kit/independent-reader.ts';
import { startNginxRtmp } from './kit/nginx-rtmp.ts';
import { NotedSource, type SentPacket } from './kit/noted-source.ts';
import { requireTool } from './kit/tools.ts';

const nginxProgram = requireTool(
  'nginx',
  'that an independent reader agrees on what comes out of nginx-rtmp',
);
const publisherNumber = 7;
const fps = 25;
const card = { width: 640, height: 360, fps, bitsPerSecond: 500_000, gopMs: 1_000 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-reader-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type OnFinished = TestContext['onTestFinished'];

/** Publishes a source; resolves when the server has taken a second of it. */
async function publish(url: string, source: NotedSource, onTestFinished: OnFinished): Promise<void> {
  let connected = false;
  const failures: string[] = [];
  const publisher = new RtmpPublisher({
    url,
    source,
    clock: systemClock,
    observer: {
      connected: () => {
        connected = true;
      },
      retrying: ({ detail }) => failures.push(detail),
      reconnected: () => {},
      second: () => {},
      ended: (failure) => {
        if (failure) failures.push(failure.detail);
      },
    },
  });
  const sweeper = setInterval(() => publisher.sweep(systemClock.nowMs()), 1_000);
  onTestFinished(async () => {
    clearInterval(sweeper);
    await publisher.stop();
  });
  publisher.start();
  const deadline = performance.now() + 15_000;
  while (!connected || source.video().length < fps) {
    if (failures.length > 0 || performance.now() > deadline)
      throw new Error(`publishing did not begin: ${failures.join('; ')}`);
    await delay(50);
  }
}

/** Where in what was sent the reader began. */
function indexOfFirst(sent: readonly SentPacket[], data: Buffer): number {
  const index = sent.findIndex((packet) => packet.data.equals(data));
  expect(index, 'the first packet read is one that was sent').toBeGreaterThanOrEqual(0);
  return index;
}

/** The same packets in the same order, to the byte and, but for where the server's clock begins, to the millisecond. */
function expectSame(read: readonly ReadPacket[], sent: readonly SentPacket[], offsetMs: number): void {
  const first = indexOfFirst(sent, read[0]!.data);
  const expected = sent.slice(first, first + read.length);
  const facts = ({ dtsMs, ptsMs, isKey, data }: ReadPacket, shiftMs: number) => ({
    dtsMs: dtsMs - shiftMs,
    ptsMs: ptsMs - shiftMs,
    isKey,
    bytes: data.length,
  });
  expect(read.map((packet) => facts(packet, offsetMs))).toEqual(expected.map((packet) => facts(packet, 0)));
  expect(read.every(({ data }, index) => data.equals(expected[index]!.data))).toBe(true);
}

/** All packets of both tracks, and in each picture one stamp that says when it was captured. */
function expectSent(read: ReadStream, source: NotedSource): void {
  const sent = source.video();
  expect(read.video.length).toBeGreaterThan(2 * fps);
  const first = indexOfFirst(sent, read.video[0]!.data);
  const offsetMs = read.video[0]!.dtsMs - sent[first]!.dtsMs;
  expectSame(read.video, sent, offsetMs);
  expectSame(read.audio, source.audio(), offsetMs);
  expect(read.video.map(({ data }) => stampsIn(data))).toEqual(
    sent
      .slice(first, first + read.video.length)
      .map(({ frame, captureUs }) => [{ publisher: publisherNumber, frame, captureUs }]),
  );
}

/** ffmpeg's own SEI parser reads the same stamps: one in each picture, in the order of sending. */
function expectUserData(payloads: readonly Buffer[], source: NotedSource): void {
  const stamps = payloads.map(readStamp).filter((stamp) => stamp !== null);
  expect(stamps.length).toBeGreaterThanOrEqual(fps);
  const sent = source.video();
  const first = sent.findIndex(({ frame }) => frame === stamps[0]!.frame);
  expect(stamps).toEqual(
    sent
      .slice(first, first + stamps.length)
      .map(({ frame, captureUs }) => ({ publisher: publisherNumber, frame, captureUs })),
  );
}

/** The cells in the decoded pictures say what the stamps of the same frames say. */
async function expectCells(url: string, source: NotedSource): Promise<void> {
  const { width, height } = card;
  const pictures = await decodePictures(url, {
    count: 2 * fps,
    pictureBytes: width * height,
    timesFile: path.join(folder, `times-${Math.random()}`),
  });
  expect(pictures).toHaveLength(2 * fps);
  const shown = pictures.map(({ luma, ptsMs }) => ({ ptsMs, ...readCells(luma, width, width, height) }));
  const byFrame = new Map(source.video().map((packet) => [packet.frame, packet]));
  const firstFrame = shown[0]?.frame ?? -1;
  const offsetMs = shown[0]!.ptsMs - (byFrame.get(firstFrame)?.ptsMs ?? Number.NaN);
  expect(shown).toEqual(
    shown.map((_, index) => {
      const frame = firstFrame + index;
      const sent = byFrame.get(frame);
      return {
        ptsMs: (sent?.ptsMs ?? Number.NaN) + offsetMs,
        publisher: publisherNumber,
        frame,
        captureUs: sent?.captureUs,
      };
    }),
  );
}

function expectTracks({ tracks }: ReadStream, profile: string, hasBFrames: boolean): void {
  expect(tracks.find(({ codec_type }) => codec_type === 'video')).toMatchObject({
    codec_name: 'h264',
    profile,
    width: card.width,
    height: card.height,
    r_frame_rate: `${fps}/1`,
    has_b_frames: hasBFrames ? expect.any(Number) : 0,
  });
  expect(tracks.find(({ codec_type }) => codec_type === 'audio')).toMatchObject({
    codec_name: 'aac',
    profile: 'LC',
    sample_rate: '48000',
    channels: 2,
  });
}

const testcard = (parameters: object): NotedSource =>
  new NotedSource(
    new TestcardSource({
      parameters: { ...card, ...parameters },
      publisher: publisherNumber,
      clock: systemClock,
    }),
  );

const onNginx = it.skipIf(nginxProgram === null);

onNginx.concurrent('the test card with B-frames, over RTMP, off nginx-rtmp', async ({ onTestFinished }) => {
  const server = await startNginxRtmp(nginxProgram as string);
  onTestFinished(() => server.stop());
  const url = `${server.rtmpUrl}/card`;
  const source = testcard({ bFrames: 2, profile: 'main' });
  await publish(url, source, onTestFinished);
  const [read, userData] = await Promise.all([
    readPackets(url, 4),
    readUserData(url, 2 * fps),
    expectCells(url, source),
  ]);
  // By then the pictures that are shown before the last one read have been sent, too: its number is known.
  await delay(500);
  expectTracks(read, 'Main', true);
  expectSent(read, source);
  expectUserData(userData, source);
  // The test has had what it is about: pictures that are shown later than they are decoded.
  expect(read.video.some(({ ptsMs, dtsMs }) => ptsMs > dtsMs)).toBe(true);
});

it.concurrent('the test card, over HTTP-FLV, off the reference server', async ({ onTestFinished }) => {
  const server = await startIngest({ entry: builtEntry('server/ingest/process') });
  onTestFinished(() => server.stop());
  const source = testcard({ profile: 'high' });
  await publish(`${server.rtmpUrl}/live/card`, source, onTestFinished);
  const url = `${server.httpUrl}/live/card.flv`;
  const [read, userData] = await Promise.all([
    readPackets(url, 4),
    readUserData(url, 2 * fps),
    expectCells(url, source),
  ]);
  expectTracks(read, 'High', false);
  expectSent(read, source);
  expectUserData(userData, source);
});

it.concurrent('a replayed recording, over its seams, off the reference server', async ({
  onTestFinished,
}) => {
  const server = await startIngest({ entry: builtEntry('server/ingest/process') });
  onTestFinished(() => server.stop());
  const recording = readRecording(await recordTestcard(card, 2_000), 'the recording');
  const source = new NotedSource(
    new RecordingSource({
      recording,
      publisher: publisherNumber,
      clock: systemClock,
      wheel: new TimeWheel(systemClock),
    }),
  );
  const url = `${server.rtmpUrl}/live/replayed`;
  await publish(url, source, onTestFinished);
  const [overRtmp, overHttp, pictures] = await Promise.all([
    readPackets(url, 5),
    readPackets(`${server.httpUrl}/live/replayed.flv`, 5),
    decodePictures(url, {
      count: 4 * fps,
      pictureBytes: card.width * card.height,
      timesFile: path.join(folder, 'times-replayed'),
    }),
  ]);
  for (const read of [overRtmp, overHttp]) {
    expectTracks(read, 'High', false);
    expectSent(read, source);
    // Two seams at least, over which the frames go on one interval apart.
    expect(read.video.length).toBeGreaterThan(2 * recording.frames);
    const steps = read.video.slice(1).map(({ dtsMs }, index) => dtsMs - read.video[index]!.dtsMs);
    expect(new Set(steps)).toEqual(new Set([1_000 / fps]));
  }
  expect(pictures).toHaveLength(4 * fps);
});
