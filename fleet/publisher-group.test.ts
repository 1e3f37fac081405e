import { expect, test } from 'vitest';
import type { Publisher, PublisherOptions, PublisherSecond, PublisherState } from '../clients/publisher.ts';
import type { Failure } from '../clients/reason.ts';
import type { Source } from '../clients/sources/source.ts';
import { Registry } from '../metrics/registry.ts';
import { PublisherGroup } from './publisher-group.ts';
import type { PublisherPlan, PublishersPlan } from './publishers-plan.ts';

const second: PublisherSecond = {
  up: 1,
  sentBps: 600_000,
  fps: 25,
  queueMs: 12,
  frames: 25,
  droppedFrames: 0,
  encoderFps: null,
  encoderSpeed: null,
};

class FakePublisher implements Publisher {
  state: PublisherState = 'connecting';
  next: PublisherSecond = { ...second, up: 0, frames: 0 };
  readonly options: PublisherOptions;
  constructor(options: PublisherOptions) {
    this.options = options;
  }
  start(): void {}
  readonly moves: string[] = [];
  leave(how: 'goodbye' | 'cut'): void {
    this.moves.push(how);
    this.state = 'away';
  }
  comeBack(): void {
    this.moves.push('back');
    this.state = 'connecting';
  }
  sweep(): void {
    if (this.state !== 'ended') this.options.observer.second(this.next);
  }
  end(failure: Failure | null): void {
    this.state = 'ended';
    this.options.observer.ended(failure);
  }
  async stop(): Promise<void> {
    if (this.state !== 'ended') this.end(null);
  }
}

const source = (stopped: () => void = () => {}): Source => ({
  description: 'fake',
  figures: { encodedFrames: null, skippedFrames: 0 },
  start() {},
  stop: async () => stopped(),
});

function set(
  streams: string[],
  createSource: (plan: PublisherPlan) => Promise<Source> = async () => source(),
  more: Partial<PublishersPlan> & {
    readonly startMs?: readonly number[];
    readonly urls?: readonly string[];
  } = {},
) {
  let wallMs = 0;
  const publishers: FakePublisher[] = [];
  const log: string[] = [];
  const registry = new Registry();
  const group = new PublisherGroup({
    plan: {
      publishers: streams.map((stream, index) => ({
        number: index + 1,
        stream,
        url: more.urls?.[index] ?? `rtmp://h/${stream}`,
        startMs: more.startMs?.[index] ?? 0,
        source: { kind: 'testcard', width: 640, height: 360, fps: 25, bitsPerSecond: 600_000, gopMs: 2000 },
      })),
      ...(more.faults && { faults: more.faults }),
    },
    clock: { nowMs: () => 0, wallMs: () => wallMs },
    registry,
    createPublisher: (options) => {
      const publisher = new FakePublisher(options);
      publishers.push(publisher);
      return publisher;
    },
    createSource,
    up: (stream) => log.push(`up ${stream}`),
    retrying: (stream, { reason }) => log.push(`retrying ${stream} ${reason}`),
    failed: (stream, { reason, detail }) => log.push(`failed ${stream} ${reason} ${detail}`),
    fault: ({ kind, streams, atWallMs, endWallMs }) =>
      log.push(`${kind} ${streams.join()} ${atWallMs} ${endWallMs}`),
  });
  const at = (ms: number) => {
    wallMs = ms;
  };
  return { group, publishers, log, registry, at };
}

test('a stream is up when frames are on their way, and that is said once', async () => {
  const { group, publishers, log, registry } = set(['live/a', 'live/b']);
  group.start();
  await Promise.resolve();
  await Promise.resolve();
  group.sweep(1000);
  expect(log).toEqual([]);
  publishers[0]!.next = second;
  group.sweep(2000);
  group.sweep(3000);
  expect(log).toEqual(['up live/a']);
  registry.cut(3000);
  expect(registry.total('publish_up', { stream: 'live/a' })?.values(0)).toMatchObject({ value: 1, min: 0 });
  expect(registry.total('publish_bps', { stream: 'live/a' })?.values(0).value).toBe(600_000);
  expect(registry.total('frames_sent')?.values(0).count).toBe(50);
});

test('retries and failures are told; the group is over when all have ended', async () => {
  const { group, publishers, log, registry } = set(['live/a', 'live/b']);
  group.start();
  await Promise.resolve();
  await Promise.resolve();
  publishers[0]!.options.observer.retrying({ reason: 'refused', detail: 'Nobody listens.' }, 250);
  publishers[0]!.end({ reason: 'refused', detail: 'Nobody listens.' });
  expect(group.finished).toBe(false);
  publishers[1]!.end(null);
  expect(group.finished).toBe(true);
  expect(log).toEqual(['retrying live/a refused', 'failed live/a refused Nobody listens.']);
  registry.cut(0);
  expect(registry.total('publish_up')?.values(0).value).toBe(0);
});

test('a source that cannot be made is the failure of its stream', async () => {
  const { group, log } = set(['live/a'], () => Promise.reject(new Error('ffmpeg is missing.')));
  group.start();
  await new Promise((resolve) => setImmediate(resolve));
  expect(log).toEqual(['failed live/a bad-media ffmpeg is missing.']);
  expect(group.finished).toBe(true);
});

test('a source that is ready only after the stop is stopped, too', async () => {
  let ready = (_: Source): void => {};
  let stopped = 0;
  const { group, publishers } = set(['live/a'], () => new Promise((resolve) => (ready = resolve)));
  group.start();
  await group.stop();
  ready(source(() => stopped++));
  await new Promise((resolve) => setImmediate(resolve));
  expect(stopped).toBe(1);
  expect(publishers).toHaveLength(0);
});

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('streams of a ramp begin when it is their turn', async () => {
  const { group, publishers } = set(['live/a', 'live/b', 'live/c'], undefined, {
    startMs: [0, 1_000, 2_000],
  });
  group.start();
  await settle();
  expect(publishers).toHaveLength(1);
  group.advance(999);
  await settle();
  expect(publishers).toHaveLength(1);
  group.advance(2_500);
  await settle();
  expect(publishers.map(({ options }) => options.url)).toEqual([
    'rtmp://h/live/a',
    'rtmp://h/live/b',
    'rtmp://h/live/c',
  ]);
});

test('a fault is told when it begins, and when the last stream concerned is published again', async () => {
  const fault = {
    kind: 'publisher-drop',
    atMs: 60_000,
    forMs: 5_000,
    streams: ['live/a', 'live/b'],
  } as const;
  const { group, publishers, log, at } = set(['live/a', 'live/b', 'live/c'], undefined, { faults: [fault] });
  group.start();
  await settle();
  group.beginSchedule(1_000);
  at(500_000);
  group.advance(60_999);
  expect(log).toEqual([]);
  group.advance(61_000);
  expect(log).toEqual(['publisher-drop live/a,live/b 500000 null']);
  group.advance(66_000);
  expect(publishers.map(({ moves }) => moves)).toEqual([['cut', 'back'], ['cut', 'back'], []]);
  publishers[0]!.options.observer.connected(20);
  expect(log).toHaveLength(1);
  at(505_250);
  publishers[1]!.options.observer.connected(20);
  publishers[1]!.options.observer.connected(20);
  expect(log.slice(1)).toEqual(['publisher-drop live/a,live/b 500000 505250']);
});

test('two publishers of one stream have series of their own; those of different streams need no number', async () => {
  const { group, publishers, registry } = set(['live/a', 'live/a', 'live/b', 'live/a'], undefined, {
    urls: ['rtmp://h/live/a', 'rtmp://i/live/a', 'rtmp://h/live/b', 'http://h/live/a.flv'],
  });
  group.start();
  await settle();
  publishers[1]!.next = second;
  group.sweep(1_000);
  const tags = registry
    .cut(1_000)
    .flatMap(({ metric, tags, value }) => (metric === 'publish_up' ? [[tags, value]] : []));
  expect(tags).toEqual([
    [{ protocol: 'rtmp', stream: 'live/a', publisher: '1' }, 0],
    [{ protocol: 'rtmp', stream: 'live/a', publisher: '2' }, 1],
    [{ protocol: 'rtmp', stream: 'live/b' }, 0],
    [{ protocol: 'http-flv', stream: 'live/a' }, 0],
  ]);
});
