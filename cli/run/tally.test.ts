import { expect, test } from 'vitest';
import { Registry } from '../../metrics/registry.ts';
import type { SessionRecord } from '../../metrics/summary.ts';
import { Tally } from './tally.ts';

function record(
  change: Partial<SessionRecord>,
  figures: Partial<SessionRecord['figures']> = {},
): SessionRecord {
  return {
    startedMs: 0,
    tags: { stream: 'live/a' },
    result: 'failed',
    phase: 'before-first-frame',
    reason: 'refused',
    detail: 'Nobody listens at h:1935.',
    ...change,
    figures: {
      connectMs: null,
      firstByteMs: null,
      firstFrameMs: null,
      startupMs: null,
      joinLagMs: null,
      stallCount: 0,
      stallCountPlayer: 0,
      stallMs: 0,
      watchedMs: 0,
      playingMs: 0,
      bytesReceived: 0,
      mediaMs: 0,
      frames: 0,
      framesMissing: 0,
      reconnects: 0,
      ...figures,
    },
  };
}

test('a target is unreachable when no session got an answer', () => {
  const tally = new Tally();
  expect(tally.unreachable).toBe(false);
  tally.session(record({}));
  tally.session(record({ reason: 'connect-timeout' }));
  // Left before the connection was made, at the end of a short run.
  tally.session(record({ result: 'ended', reason: null }));
  expect(tally.unreachable).toBe(true);
  tally.session(record({ reason: 'not-found' }, { connectMs: 1, firstByteMs: 2 }));
  expect(tally.unreachable).toBe(false);
});

test('errors are counted by reason, with the first as the example, the most frequent first', () => {
  const tally = new Tally();
  tally.session(record({}));
  tally.session(record({ reason: 'not-found', detail: 'No such stream.' }));
  tally.session(record({ reason: 'not-found', detail: 'Another.' }));
  tally.session(record({ result: 'ended', reason: null }));
  expect(tally.errors()).toEqual([
    { code: 'not-found', count: 2, example: 'No such stream.' },
    { code: 'refused', count: 1, example: 'Nobody listens at h:1935.' },
  ]);
});

test('seconds of all threads are judged together', () => {
  const tally = new Tally();
  const second = (valid: boolean) => ({
    eventLoopLagMs: valid ? 1 : 80,
    cpu: 0.5,
    valid,
    seconds: 1,
    cause: valid ? null : ('waiting-for-cpu' as const),
  });
  for (let i = 0; i < 19; i++) tally.workerSecond(second(true), [], 'viewers-1');
  const busy = new Registry();
  busy.series('latency_ms').add(5000);
  tally.workerSecond(second(false), busy.cut(0), 'viewers-2');
  tally.workerSecond(null, [], 'viewers-1');
  expect(tally.generator(2)).toMatchObject({ valid: true, seconds: 20, invalidSeconds: 1, workers: 2 });
  tally.workerSecond({ ...second(false), seconds: 4 }, [], 'viewers-2');
  const { valid, reasons, shortOf, busySeconds } = tally.generator(2);
  expect(valid).toBe(false);
  expect(reasons[0]).toMatch(/too busy in 5 of 24 worker-seconds/);
  expect(reasons[1]).toMatch(/^Processors were short: viewers-2 was ready to run .* in 5 seconds/);
  expect({ shortOf, busySeconds }).toEqual({
    shortOf: ['waiting-for-cpu'],
    busySeconds: { 'waiting-for-cpu': 5 },
  });
  expect(tally.registry.total('latency_ms')).toBeNull();
  expect(tally.generator(2).apart).toMatchObject([{ name: 'latency_ms', values: { count: 1, max: 5000 } }]);
});

test('a stream whose source failed says nothing about the server', () => {
  const tally = new Tally();
  tally.sourceFailed();
  expect(tally.generator(1)).toMatchObject({
    valid: false,
    reasons: ['One stream was no longer published, because the source failed.'],
    shortOf: ['source'],
  });
});

test('frames that arrive before they are captured make every latency doubtful', () => {
  const early = new Registry();
  const series = early.series('delivery_ms');
  for (let i = 0; i < 90; i++) series.add(20);
  for (let i = 0; i < 10; i++) series.add(-5000);
  const tally = new Tally();
  tally.second(early.cut(0));
  const { valid, reasons } = tally.generator(1);
  expect(valid).toBe(false);
  expect(reasons[0]).toMatch(/^Frames arrived up to 50\d\d ms before they were captured: the clock /);

  const near = new Registry();
  for (let i = 0; i < 10; i++) near.series('delivery_ms').add(-50);
  const other = new Tally();
  other.second(near.cut(0));
  expect(other.generator(1).valid).toBe(true);
});

test('sessions that this machine could not make say nothing about the server', () => {
  const tally = new Tally();
  tally.session(
    record({ reason: 'generator-limit', detail: 'h:80 cannot be connected to: too many open files here' }),
  );
  tally.session(record({ result: 'ended', reason: null }));
  expect(tally.generator(1)).toMatchObject({
    valid: false,
    reasons: [
      'File descriptors were short: 1 of 2 sessions could not be made; raise the limit (ulimit -n), or use fewer viewers.',
    ],
    shortOf: ['file-descriptors'],
  });
});
