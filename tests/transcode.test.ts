/**
 * Ladders of rungs end to end: a test card is published, its rungs are streams of their own, with the source's stamps
 * on the source's pictures; what dies comes back, and what ends leaves nothing behind.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FlvReader } from '../core/flv/reader.ts';
import { readVideoHead, videoHead } from '../core/flv/video-head.ts';
import { TAG_VIDEO } from '../core/media.ts';
import { findStamp, type Stamp } from '../core/stamp/stamp.ts';
import { signUrl } from '../server/gate/sign.ts';
import { until } from '../server/ingest/fixtures/test-peers.ts';
import { type ReferenceStack, startReferenceStack } from '../server/reference-stack.ts';
import { builtEntry } from './kit/built-entry.ts';
import { type RunningCli, runCli, startCli, summaryOf, valuesOf } from './kit/cli.ts';
import { runTool } from './kit/run-tool.ts';

const playSecret = 'only for those who play';
const publishSecret = 'only for those who publish';
const rungs = [
  { height: 180, bitrate: '300k' },
  { height: 90, bitrate: '100k', name: 'small', fps: 10, audioBitrate: '48k' },
  { height: 720 },
];

async function startStack(): Promise<ReferenceStack> {
  const stack = await startReferenceStack({
    entries: { ingest: builtEntry('server/ingest/process') },
    config: {
      ingest: { rtmpPort: 0, httpPort: 0 },
      gate: { playSecret, publishSecret },
      transcode: { rungs, preset: 'ultrafast' },
    },
  });
  onTestFinished(() => stack.stop());
  return stack;
}

function publishCard(stack: ReferenceStack): RunningCli {
  const url = signUrl(`${stack.rtmpUrl}/live/card`, publishSecret, Date.now() / 1_000 + 600);
  const card = startCli([
    ...['publish', url, '--source', 'testcard', '--size', '320x180', '--fps', '20', '--gop', '1s'],
    ...['--bitrate', '300k', '--duration', '60s'],
  ]);
  onTestFinished(() => card.stop());
  return card;
}

const playUrl = (stack: ReferenceStack, stream: string) =>
  signUrl(`${stack.httpUrl}/live/${stream}.flv`, playSecret, Date.now() / 1_000 + 600);

interface SeenPicture {
  readonly timestampMs: number;
  readonly key: boolean;
  readonly frame: number;
  readonly captureUs: number;
}

/** The stamped pictures of a stream, as they come. */
class Pictures {
  readonly seen: SeenPicture[] = [];
  unstamped = 0;
  ended = false;
  readonly #head = videoHead();
  readonly #stamp: Stamp = { publisher: 0, frame: 0, captureUs: 0 };

  constructor(url: string) {
    const reader = new FlvReader({
      head: (type, timestampMs, _bodyBytes, bytes, start, end) => {
        if (type === TAG_VIDEO) this.#note(timestampMs, bytes, start, end);
      },
      end: () => {},
    });
    const request = http.get(url, { agent: false }, (response) => {
      // Nobody publishes it just now: what comes is a sentence.
      if (response.statusCode === 200) response.on('data', (piece: Buffer) => reader.push(piece));
      else response.resume();
      response.on('error', () => {});
      response.on('close', () => {
        this.ended = true;
      });
    });
    request.on('error', () => {
      this.ended = true;
    });
    onTestFinished(() => void request.destroy());
  }

  #note(timestampMs: number, bytes: Uint8Array, start: number, end: number): void {
    const head = this.#head;
    if (!readVideoHead(bytes, start, end, head) || head.packet !== 'frames') return;
    if (!findStamp(bytes, start + head.dataOffset, end, 4, 'h264', this.#stamp)) this.unstamped++;
    else {
      const { frame, captureUs } = this.#stamp;
      this.seen.push({ timestampMs, key: head.frame === 'key', frame, captureUs });
    }
  }
}

/** What ffprobe found; which track comes first is not said. */
function streamsIn(stdout: Buffer): object[] {
  const { streams } = JSON.parse(stdout.toString()) as { streams: { codec_name: string }[] };
  return streams.sort((one, other) => other.codec_name.localeCompare(one.codec_name));
}

/** Streams that the ingest has now. */
async function streamsOf(stack: ReferenceStack): Promise<string[]> {
  return (await stack.stats()).streams.map(({ name }) => name).sort();
}

const allStreams = ['live/card', 'live/card_180p', 'live/card_audio', 'live/card_small'];

async function startLadder(): Promise<{ stack: ReferenceStack; card: RunningCli; ffmpeg: number }> {
  const stack = await startStack();
  const card = publishCard(stack);
  await until('all rungs are there', async () => (await streamsOf(stack)).length === 4, 20_000);
  expect(await streamsOf(stack)).toEqual(allStreams);
  return { stack, card, ffmpeg: stack.transcodeStats().ladders[0]!.pid! };
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Of ffmpegs that push to this port, from the system's own table. */
function pushingTo(stack: Pick<ReferenceStack, 'rtmpUrl'>): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words.some((word) => word.startsWith(`${stack.rtmpUrl}/live/card_`));
      } catch {
        return false;
      }
    });
}

describe('a ladder', () => {
  it('brings rungs of the right size, with the stamps of the source on its pictures', async () => {
    const { stack } = await startLadder();
    const source = new Pictures(playUrl(stack, 'card'));
    const same = new Pictures(playUrl(stack, 'card_180p'));
    const small = new Pictures(playUrl(stack, 'card_small'));
    const probe = (stream: string) =>
      runTool('ffprobe', [
        ...['-v', 'error', '-of', 'json', '-show_entries', 'stream=codec_name,width,height,has_b_frames'],
        ...['-analyzeduration', '1M', '-i', playUrl(stack, stream)],
      ]).then((stdout) => streamsIn(stdout));
    expect(await probe('card_180p')).toEqual([
      expect.objectContaining({ codec_name: 'h264', width: 320, height: 180, has_b_frames: 0 }),
      { codec_name: 'aac' },
    ]);
    expect(await probe('card_small')).toEqual([
      expect.objectContaining({ codec_name: 'h264', width: 160, height: 90, has_b_frames: 0 }),
      { codec_name: 'aac' },
    ]);
    expect(await probe('card_audio')).toEqual([{ codec_name: 'aac' }]);
    const keys = (pictures: Pictures) => pictures.seen.filter(({ key }) => key);
    await until(
      'four key frames came on all',
      () => [source, same, small].every((each) => keys(each).length >= 4),
      20_000,
    );

    expect([source.unstamped, same.unstamped, small.unstamped]).toEqual([0, 0, 0]);
    const truth = new Map(source.seen.map((picture) => [picture.frame, picture]));
    const known = ({ frame }: SeenPicture) => truth.has(frame);
    // The rung of all pictures: each at the source's own millisecond, with its stamp, key where the source has one.
    const compared = same.seen.filter(known);
    expect(compared.length).toBeGreaterThan(60);
    for (const picture of compared) expect(picture).toEqual(truth.get(picture.frame));
    expect(
      same.seen.every(({ frame }, index) => index === 0 || frame === same.seen[index - 1]!.frame + 1),
    ).toBe(true);
    // The rung of every second picture: the key frame is the source's or the very next picture.
    for (const { frame } of keys(small).filter(known))
      expect(truth.get(frame)?.key === true || truth.get(frame - 1)?.key === true).toBe(true);
    const span = small.seen.at(-1)!.frame - small.seen[0]!.frame;
    expect(small.seen.length / span).toBeCloseTo(0.5, 1);

    const watched = await runCli(['watch', playUrl(stack, 'card_180p'), '--duration', '4s', '--json']);
    const latency = valuesOf(summaryOf(watched), 'latency_ms');
    // One for each second.
    expect(latency['count']).toBeGreaterThanOrEqual(2);
    expect(latency['med']).toBeLessThan(1_500);

    const { ladders, problem } = stack.transcodeStats();
    expect([problem, ladders.length]).toEqual([null, 1]);
    expect(ladders[0]).toMatchObject({
      stream: 'live/card',
      state: 'running',
      restarts: 0,
      slow: false,
      source: { width: 320, height: 180, fps: 20 },
      leftOut: [{ name: '720p', reason: 'the source is 320x180, and nothing is enlarged' }],
    });
    expect(ladders[0]!.speed).toBeGreaterThan(0.9);
    expect(ladders[0]!.frames).toBeGreaterThan(60);
  });

  it('comes back when its ffmpeg is killed, under the eyes of its viewers', async () => {
    const { stack, ffmpeg } = await startLadder();
    const pictures = new Pictures(playUrl(stack, 'card_180p'));
    await until('pictures came', () => pictures.seen.length > 10);
    const before = performance.now();
    const count = pictures.seen.length;
    process.kill(ffmpeg, 'SIGKILL');
    await until(
      'another ffmpeg runs',
      () => ![null, ffmpeg].includes(stack.transcodeStats().ladders[0]!.pid),
    );
    // Within the ingest's grace its viewers stay, else they come back, as viewers do.
    let again = pictures;
    await until('pictures came again', () => {
      if (again.ended) again = new Pictures(playUrl(stack, 'card_180p'));
      return again.seen.length > (again === pictures ? count : 0) + 10;
    });
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(stack.transcodeStats().restarts).toBe(1);
    expect(again.unstamped).toBe(0);
  });

  it('ends with its source, and at once', async () => {
    const { stack, card, ffmpeg } = await startLadder();
    const pictures = new Pictures(playUrl(stack, 'card_180p'));
    await until('pictures came', () => pictures.seen.length > 0);
    card.child.kill('SIGINT');
    await until('the source has gone', async () => !(await streamsOf(stack)).includes('live/card'));
    const goneMs = performance.now();
    await until('its rungs have gone', async () => (await streamsOf(stack)).length === 0);
    expect(performance.now() - goneMs).toBeLessThan(3_000);
    await until('the viewer of a rung was ended', () => pictures.ended);
    await until('its ffmpeg has gone', () => !lives(ffmpeg), 2_000);
    expect(pushingTo(stack)).toEqual([]);
    expect(stack.transcodeStats().ladders).toEqual([]);
  });

  it('leaves no ffmpeg behind when the stack is stopped', async () => {
    const { stack } = await startLadder();
    expect(pushingTo(stack)).toHaveLength(1);
    const startedMs = performance.now();
    await stack.stop();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(pushingTo(stack)).toEqual([]);
  });

  it('leaves no ffmpeg behind when the stack is killed', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-transcode-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const config = path.join(folder, 'serve.yaml');
    await writeFile(
      config,
      'deliver:\n  port: 0\ntranscode:\n  preset: ultrafast\n  rungs:\n    - height: 90\n',
    );
    const ports = ['--rtmp-port', '0', '--http-port', '0'];
    const server = startCli(['serve', '--config', config, ...ports, '--json']);
    onTestFinished(() => server.stop());
    const [line] = await server.sees(/^\{.*"ready".*\}$/m);
    const rtmpUrl = (JSON.parse(line) as { rtmp: string }).rtmp;
    const card = startCli(['publish', `${rtmpUrl}/live/card`, '--size', '160x90', '--fps', '10']);
    onTestFinished(() => card.stop());
    await until('its ffmpeg runs', () => pushingTo({ rtmpUrl }).length === 1, 20_000);
    const [ffmpeg] = pushingTo({ rtmpUrl });
    server.child.kill('SIGKILL');
    await until('its ffmpeg has gone', () => !lives(ffmpeg!), 5_000);
  });
});
