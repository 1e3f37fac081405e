import { expect, test } from 'vitest';
import type { Publisher, PublisherOptions, PublisherSecond, PublisherState } from '../clients/publisher.ts';
import type { Failure } from '../clients/reason.ts';
import type { Source } from '../clients/sources/source.ts';
import { Registry } from '../metrics/registry.ts';
import { PublisherGroup } from './publisher-group.ts';
import type { PublisherPlan } from './publishers-plan.ts';

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
) {
  const publishers: FakePublisher[] = [];
  const log: string[] = [];
  const registry = new Registry();
  const group = new PublisherGroup({
    plan: {
      publishers: streams.map((stream, index) => ({
        number: index + 1,
        stream,
        url: `rtmp://h/${stream}`,
        source: { kind: 'testcard', width: 640, height: 360, fps: 25, bitsPerSecond: 600_000, gopMs: 2000 },
      })),
    },
    clock: { nowMs: () => 0, wallMs: () => 0 },
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
  });
  return { group, publishers, log, registry };
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
