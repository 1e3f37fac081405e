import { describe, expect, test } from 'vitest';
import type { Reason } from '../clients/reason.ts';
import type { Viewer, ViewerObserver, ViewerOptions, ViewerState } from '../clients/viewer.ts';
import { Registry } from '../metrics/registry.ts';
import type { SessionRecord } from '../metrics/summary.ts';
import type { LoadShape } from './load-shape.ts';
import type { FleetCohort } from './plan.ts';
import { ViewerGroup } from './viewer-group.ts';

const noFigures = {
  connectMs: null,
  firstByteMs: null,
  firstMediaMs: null,
  firstFrameMs: null,
  startupMs: null,
  joinLagMs: null,
  stallCount: 0,
  stallCountPlayer: 0,
  stallMs: 0,
  watchedMs: 0,
  playingMs: 0,
  bytesReceived: 0,
  mediaBytes: 0,
  mediaMs: 0,
  frames: 0,
  framesMissing: 0,
  reconnects: 0,
};

/** A viewer whose fate the test writes. */
class FakeViewer implements Viewer {
  state: ViewerState = 'connecting';
  bytesReceived = 0;
  readonly pauses: [string, string, number][] = [];
  readonly options: ViewerOptions;
  readonly observer: ViewerObserver;
  startedAtMs = -1;
  constructor(options: ViewerOptions) {
    this.options = options;
    this.observer = options.observer;
  }
  start(): void {
    this.startedAtMs = this.options.clock.nowMs();
  }
  sweep(): void {}
  pause(connection: 'keep' | 'close' = 'keep'): void {
    this.pauses.push(['pause', connection, this.options.clock.nowMs()]);
    this.state = 'paused';
  }
  resume(to: 'continue' | 'live' = 'continue'): void {
    this.pauses.push(['resume', to, this.options.clock.nowMs()]);
    this.state = 'playing';
  }
  play(): void {
    this.state = 'playing';
    this.observer.firstFrame(50);
    this.observer.startup(50);
  }
  fail(reason: Reason): void {
    const phase = this.state === 'playing' ? 'after-first-frame' : 'before-first-frame';
    this.#end({ result: 'failed', phase, reason, detail: 'it failed', figures: this.#figures() });
  }
  stop(): void {
    const phase = this.state === 'playing' ? 'after-first-frame' : 'before-first-frame';
    this.#end({ result: 'ended', phase, reason: null, detail: 'left', figures: this.#figures() });
  }
  #figures() {
    return { ...noFigures, watchedMs: this.options.clock.nowMs() - this.options.intendedStartMs };
  }
  #end(outcome: Parameters<ViewerObserver['ended']>[0]): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.observer.ended(outcome);
  }
}

function set(shape: LoadShape, change: Partial<FleetCohort> = {}, workers = 1, worker = 0) {
  let nowMs = 0;
  const viewers: FakeViewer[] = [];
  const records: SessionRecord[] = [];
  const registry = new Registry();
  const group = new ViewerGroup({
    plan: {
      cohorts: [
        {
          name: 'flv',
          streams: [1, 2].map((n) => ({
            protocol: 'http-flv',
            name: `live/${n}`,
            url: `http://h/live/${n}.flv`,
          })),
          shape,
          startMs: 0,
          watch: null,
          player: 'plain',
          ...change,
        },
      ],
      seed: 1,
      clockBoundMs: 2,
    },
    worker,
    workers,
    node: 'viewers-1',
    clock: { nowMs: () => nowMs, wallMs: () => 1_000_000 + nowMs },
    registry,
    createViewer: (options) => {
      const viewer = new FakeViewer(options);
      viewers.push(viewer);
      return viewer;
    },
    session: (record) => records.push(record),
  });
  group.start(0);
  return {
    group,
    viewers,
    records,
    registry,
    /** Lets time pass, in steps of what is due. */
    to(ms: number) {
      while (group.nextMs <= ms) {
        nowMs = Math.max(nowMs, group.nextMs);
        group.runDue(nowMs);
      }
      nowMs = ms;
    },
    /** Lets time pass with the thread blocked. */
    jump(ms: number) {
      nowMs = ms;
      while (group.nextMs <= ms) group.runDue(ms);
    },
    total: (metric: Parameters<Registry['total']>[0], tags = {}) => {
      registry.cut(nowMs);
      return registry.total(metric, tags)?.values(1000);
    },
  };
}

const constant = (viewers: number, durationMs: number, rampMs = 0): LoadShape => ({
  kind: 'viewers',
  startViewers: 0,
  stages: [
    { durationMs: rampMs, viewers },
    { durationMs: durationMs - rampMs, viewers },
  ],
});
const arrivals = (perSecond: number, durationMs: number, maxViewers = 1000): LoadShape => ({
  kind: 'arrivals',
  startPerSecond: perSecond,
  stages: [{ durationMs, perSecond }],
  maxViewers,
});

describe('a number of viewers', () => {
  test('come over the ramp, are dealt out over the streams, and leave at the end', () => {
    const { group, viewers, records, to } = set(constant(4, 10_000, 2000));
    to(999);
    expect(viewers.map((viewer) => viewer.startedAtMs)).toEqual([0, 500]);
    to(9999);
    expect(viewers.map((viewer) => viewer.options.url)).toEqual(
      [1, 2, 1, 2].map((n) => `http://h/live/${n}.flv`),
    );
    expect(group.active()).toEqual([2, 2]);
    expect(group.finished).toBe(false);
    to(10_000);
    expect(group.finished).toBe(true);
    expect(group.active()).toEqual([0, 0]);
    expect(records.map((record) => record.startedMs)).toEqual([1_000_000, 1_000_500, 1_001_000, 1_001_500]);
    expect(records[0]?.tags).toEqual({ protocol: 'http-flv', stream: 'live/1', cohort: 'flv' });
  });

  test('two workers share them without a remainder lost', () => {
    const halves = [0, 1].map((worker) => set(constant(5, 1000), {}, 2, worker));
    for (const half of halves) half.to(500);
    expect(halves.map((half) => half.viewers.length)).toEqual([3, 2]);
    // Slots 0, 2, 4 all watch stream 1, and 1, 3 stream 2: as one worker would have dealt them.
    expect(halves[0]?.group.active()).toEqual([3, 0]);
    expect(halves[1]?.group.active()).toEqual([0, 2]);
  });

  test('where one leaves after its watch time another comes, and one that failed is not replaced', () => {
    const { viewers, to, group } = set(constant(2, 10_000), { watch: { kind: 'fixed', lengthMs: 3000 } });
    to(1000);
    viewers[1]?.fail('reset');
    to(5999);
    expect(viewers.map((viewer) => viewer.options.intendedStartMs)).toEqual([0, 0, 3000]);
    group.sweep(5999);
    expect(group.active()).toEqual([1, 0]);
  });

  test('a start that comes late keeps its intended time', () => {
    const { viewers, jump } = set(constant(4, 10_000, 4000));
    jump(2500);
    expect(viewers.map((viewer) => viewer.options.intendedStartMs)).toEqual([0, 1000, 2000]);
    expect(viewers.map((viewer) => viewer.startedAtMs)).toEqual([2500, 2500, 2500]);
  });

  test('the cohort is over early when all have failed and nobody will come', () => {
    const { group, viewers, to } = set(constant(2, 10_000, 1000));
    to(100);
    viewers[0]?.fail('refused');
    expect(group.finished).toBe(false);
    to(600);
    viewers[1]?.fail('refused');
    expect(group.finished).toBe(true);
  });

  test('stop ends everything at once', () => {
    const { group, records, to } = set(constant(3, 10_000, 9000));
    to(4000);
    group.stop();
    expect(group.finished).toBe(true);
    expect(group.nextMs).toBe(Number.POSITIVE_INFINITY);
    expect(records).toHaveLength(2);
  });
});

describe('a rate of arrivals', () => {
  test('goes on whatever becomes of the sessions, each of which lasts its watch time', () => {
    const { viewers, records, to } = set(arrivals(2, 5000), { watch: { kind: 'fixed', lengthMs: 1000 } });
    to(2250);
    expect(viewers.map((viewer) => viewer.options.intendedStartMs)).toEqual([0, 500, 1000, 1500, 2000]);
    expect(records).toHaveLength(3);
  });

  test('starts above the bound are dropped and counted', () => {
    const { viewers, to, total } = set(arrivals(1, 5000, 2));
    to(4999);
    expect(viewers).toHaveLength(2);
    expect(total('dropped_starts')?.count).toBe(3);
  });

  test('starts that come more than a second late are dropped and counted', () => {
    const { viewers, jump, total } = set(arrivals(1, 10_000));
    jump(3500);
    expect(viewers.map((viewer) => viewer.options.intendedStartMs)).toEqual([3000]);
    expect(total('dropped_starts')?.count).toBe(3);
  });

  test('the bound is shared out among workers without a remainder lost', () => {
    const shares = [0, 1, 2].map((worker) => set(arrivals(30, 1000, 10), {}, 3, worker));
    for (const share of shares) share.to(999);
    expect(shares.map((share) => share.viewers.length)).toEqual([4, 3, 3]);
  });
});

describe('figures', () => {
  test('received_bps of whole seconds alone: not the one of the start, not the one of the end', () => {
    const { group, viewers, to, total } = set(constant(1, 10_000));
    to(500);
    const viewer = viewers[0]!;
    viewer.play();
    viewer.bytesReceived = 1_000_000;
    to(1000);
    group.sweep(1000);
    expect(total('received_bps')).toBeUndefined();
    viewer.bytesReceived += 75_000;
    to(2000);
    group.sweep(2000);
    viewer.bytesReceived += 37_500;
    to(2500);
    group.sweep(2500);
    expect(total('received_bps')).toMatchObject({ min: 600_000, max: 600_000 });
    viewer.bytesReceived += 10;
    viewer.fail('reset');
    to(3500);
    group.sweep(3500);
    expect(total('received_bps')).toMatchObject({ min: 600_000, max: 600_000 });
  });

  test('what sessions come to, by reason and phase', () => {
    const { group, viewers, to, total } = set(constant(4, 10_000));
    to(100);
    viewers[0]?.play();
    viewers[0]?.fail('publisher-gone');
    viewers[1]?.fail('not-found');
    viewers[2]?.play();
    group.stop();
    expect(total('sessions_started')?.count).toBe(4);
    expect(total('sessions_playing')?.count).toBe(2);
    expect(total('sessions_failed', { reason: 'publisher-gone' })?.count).toBe(1);
    expect(total('sessions_failed', { reason: 'not-found' })?.count).toBe(1);
    expect(total('sessions_ended')?.count).toBe(2);
    expect(total('start_failure_ratio')?.value).toBe(0.25);
    expect(total('play_failure_ratio')?.value).toBe(0.25);
    expect(total('exit_before_start_ratio')?.value).toBe(0.25);
    expect(total('qoe_score')?.count).toBe(2);
  });

  test('stalls and watched time are sums, and the ratio is theirs', () => {
    const { group, viewers, to, total } = set(constant(2, 10_000));
    to(100);
    const increment = {
      watchedMs: 0,
      playingMs: 0,
      stallMs: 0,
      bytesReceived: 0,
      mediaBytes: 0,
      mediaMs: 0,
      frames: 0,
      framesMissing: 0,
    };
    viewers[0]?.observer.stalled(0);
    viewers[0]?.observer.progress({ ...increment, watchedMs: 1000, playingMs: 600, stallMs: 200 });
    viewers[0]?.observer.stallEnded(1300);
    viewers[1]?.observer.latency(900);
    viewers[1]?.observer.progress({
      ...increment,
      watchedMs: 3000,
      playingMs: 3000,
      mediaMs: 1000,
      mediaBytes: 75_000,
      frames: 25,
    });
    group.endSecond(3);
    expect(total('stall_count')?.count).toBe(1);
    expect(total('stall_count_player')?.count).toBe(1);
    expect(total('stall_ms')?.count).toBe(200);
    expect(total('stall_ratio')?.value).toBe(0.05);
    expect(total('rebuffer_ratio_conviva')?.value).toBeCloseTo(200 / 3800, 9);
    expect(total('media_bps')?.value).toBe(600_000);
    // Clock bound 2 ms, frame interval 40 ms, event-loop lag 3 ms; of the series that had a latency.
    expect(total('latency_uncertainty_ms')).toMatchObject({ min: 45, max: 45 });
  });
});
