import { expect, test } from 'vitest';
import type { Viewer, ViewerObserver, ViewerState } from '../clients/viewer.ts';
import type { MetricName } from '../metrics/catalogue.ts';
import { Registry } from '../metrics/registry.ts';
import { divideSecond } from './self-check.ts';
import { ViewerGroup } from './viewer-group.ts';

/** One viewer that stalls as it is told: how much of each second, and whether it goes on. */
function watch() {
  let nowMs = 0;
  let state: ViewerState = 'playing';
  let stalledMs = 0;
  let observer: ViewerObserver | null = null;
  const registry = new Registry();
  const apart = new Registry();
  const [believed, doubted] = [new Registry(), new Registry()];
  const group = new ViewerGroup({
    plan: {
      cohorts: [
        {
          name: 'flv',
          streams: [{ protocol: 'http-flv', name: 'live/a', url: 'http://h/live/a.flv' }],
          shape: { kind: 'viewers', startViewers: 1, stages: [{ durationMs: 60_000, viewers: 1 }] },
          startMs: 0,
          watch: null,
          player: 'plain',
        },
      ],
      seed: 1,
      clockBoundMs: 2,
    },
    worker: 0,
    workers: 1,
    node: 'viewers-1',
    clock: { nowMs: () => nowMs, wallMs: () => nowMs },
    registry,
    apart,
    session: () => {},
    createViewer: (options) => {
      observer = options.observer;
      return {
        start() {},
        stop() {},
        pause() {},
        resume() {},
        get state() {
          return state;
        },
        bytesReceived: 0,
        sweep() {
          observer?.progress({
            watchedMs: 1000,
            playingMs: 1000 - stalledMs,
            stallMs: stalledMs,
            bytesReceived: 0,
            mediaBytes: 0,
            mediaMs: 0,
            frames: 0,
            framesMissing: 0,
          });
        },
      } satisfies Viewer;
    },
  });
  group.start(0);
  group.runDue(0);
  return {
    /** One second: a stall may begin in it, last for so long of it, end in it or go on. */
    second(valid: boolean, stall: { begins?: true; ms?: number; ended?: number } = {}) {
      const endMs = nowMs + 1000;
      stalledMs = stall.ms ?? 0;
      if (stall.begins) observer?.stalled(endMs - stalledMs);
      nowMs += stalledMs;
      if (stall.ended !== undefined) observer?.stallEnded(stall.ended);
      nowMs = endMs;
      state = stalledMs > 0 && stall.ended === undefined ? 'stalled' : 'playing';
      group.sweep(nowMs);
      group.endSecond(1, valid);
      const { kept, apart: setApart } = divideSecond(registry.cut(nowMs), valid);
      believed.absorb(kept);
      doubted.absorb([...setApart, ...apart.cut(nowMs)]);
    },
    figures(name: MetricName) {
      const read = (from: Registry) => from.total(name)?.read('count', 0) ?? 0;
      return [read(believed), read(doubted)];
    },
    ratio: () => believed.total('stall_ratio')?.values(0),
  };
}

test('a stall in seconds that are valid is believed', () => {
  const viewer = watch();
  viewer.second(true, { begins: true, ms: 600 });
  viewer.second(true, { ms: 700, ended: 1300 });
  expect(viewer.figures('stall_count')).toEqual([1, 0]);
  expect(viewer.figures('stall_count_player')).toEqual([1, 0]);
  expect(viewer.figures('stall_ms')).toEqual([1300, 0]);
});

test('one that begins in a second that is not valid is kept apart to its end', () => {
  const viewer = watch();
  viewer.second(false, { begins: true, ms: 600 });
  viewer.second(true, { ms: 1000 });
  viewer.second(true, { ms: 400, ended: 2000 });
  viewer.second(true);
  expect(viewer.figures('stall_count')).toEqual([0, 1]);
  expect(viewer.figures('stall_count_player')).toEqual([0, 1]);
  expect(viewer.figures('stall_ms')).toEqual([0, 2000]);
  expect(viewer.ratio()).toMatchObject({ num: 0, den: 1000 });
});

test('one that meets such a second on its way is believed up to there', () => {
  const viewer = watch();
  viewer.second(true, { begins: true, ms: 600 });
  viewer.second(false, { ms: 1000 });
  viewer.second(true, { ms: 400, ended: 2000 });
  expect(viewer.figures('stall_count')).toEqual([1, 0]);
  expect(viewer.figures('stall_count_player')).toEqual([0, 1]);
  expect(viewer.figures('stall_ms')).toEqual([600, 1400]);
});

test('the next stall is believed again', () => {
  const viewer = watch();
  viewer.second(false, { begins: true, ms: 600 });
  viewer.second(true, { ms: 700, ended: 1300 });
  viewer.second(true, { begins: true, ms: 900 });
  viewer.second(true, { ms: 400, ended: 1300 });
  expect(viewer.figures('stall_count')).toEqual([1, 1]);
  expect(viewer.figures('stall_count_player')).toEqual([1, 1]);
  expect(viewer.figures('stall_ms')).toEqual([1300, 1300]);
});
