import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Reason } from '../clients/reason.ts';
import type { Viewer, ViewerObserver, ViewerOptions, ViewerState } from '../clients/viewer.ts';
import { Registry } from '../metrics/registry.ts';
import type { SessionRecord } from '../metrics/summary.ts';
import type { LoadShape } from './load-shape.ts';
import type { FleetCohort, FleetPlan } from './plan.ts';
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
  onEnded = (): void => {};
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
    this.#end({
      result: 'failed',
      phase,
      reason,
      detail: 'it failed',
      lastedMs: this.#figures().watchedMs,
      figures: this.#figures(),
    });
  }
  stop(): void {
    const phase = this.state === 'playing' ? 'after-first-frame' : 'before-first-frame';
    this.#end({
      result: 'ended',
      phase,
      reason: null,
      detail: 'left',
      lastedMs: this.#figures().watchedMs,
      figures: this.#figures(),
    });
  }
  #figures() {
    return { ...noFigures, watchedMs: this.options.clock.nowMs() - this.options.intendedStartMs };
  }
  #end(outcome: Parameters<ViewerObserver['ended']>[0]): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.observer.ended(outcome);
    this.onEnded();
  }
}

function set(
  shape: LoadShape,
  change: Partial<FleetCohort> = {},
  workers = 1,
  worker = 0,
  plan: Partial<FleetPlan> = {},
) {
  let nowMs = 0;
  const viewers: FakeViewer[] = [];
  const records: SessionRecord[] = [];
  const byViewer = new Map<FakeViewer, SessionRecord>();
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
      ...plan,
    },
    worker,
    workers,
    node: 'viewers-1',
    clock: { nowMs: () => nowMs, wallMs: () => 1_000_000 + nowMs },
    registry,
    createViewer: (options) => {
      const viewer = new FakeViewer(options);
      viewers.push(viewer);
      viewer.onEnded = () => byViewer.set(viewer, records.at(-1)!);
      return viewer;
    },
    session: (record) => records.push(record),
  });
  group.start(0);
  return {
    group,
    viewers,
    records,
    byViewer,
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

  test('nobody comes in the very moment of the end, in a last stage of no length', () => {
    const stages = [
      { durationMs: 1000, viewers: 0 },
      { durationMs: 0, viewers: 3 },
    ];
    const { group, viewers, to } = set({ kind: 'viewers', startViewers: 0, stages });
    to(5000);
    expect(viewers).toHaveLength(0);
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

const streams = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    protocol: 'http-flv' as const,
    name: `live/${n + 1}`,
    url: `http://h/live/${n + 1}.flv`,
  }));
const fixed = (lengthMs: number) => ({ kind: 'fixed', lengthMs }) as const;

describe('shards and workers', () => {
  /** What became of every session: when, which stream, from which address, for how long. */
  function sessionsOf(run: ReturnType<typeof set>, endMs: number): string[] {
    run.to(endMs);
    run.group.stop();
    return run.viewers.map((viewer) => {
      const { options } = viewer;
      const { startedMs, figures } = run.byViewer.get(viewer)!;
      return `${options.intendedStartMs.toFixed(6)} ${options.url} ${options.localAddress} ${startedMs.toFixed(3)} ${figures.watchedMs.toFixed(6)}`;
    });
  }

  test('together they are exactly the run of one: same times, streams, addresses, lengths; none lost, none twice', () => {
    const shapes: fc.Arbitrary<LoadShape> = fc.oneof(
      fc.record({
        kind: fc.constant('viewers' as const),
        startViewers: fc.nat(5),
        stages: fc.array(fc.record({ durationMs: fc.integer({ min: 0, max: 8000 }), viewers: fc.nat(12) }), {
          minLength: 1,
          maxLength: 3,
        }),
      }),
      fc.record({
        kind: fc.constant('arrivals' as const),
        startPerSecond: fc.nat(4),
        stages: fc.array(fc.record({ durationMs: fc.integer({ min: 1, max: 5000 }), perSecond: fc.nat(5) }), {
          minLength: 1,
          maxLength: 3,
        }),
        // What the bound drops depends on who is there, and that each share knows of itself alone.
        maxViewers: fc.constant(100_000),
      }),
    );
    const behaviours: fc.Arbitrary<Partial<FleetCohort>> = fc.constantFrom(
      {},
      { watch: { kind: 'log-normal', medianMs: 900, p95Ms: 4000 } as const },
      { behaviour: { kind: 'zapper', every: { kind: 'log-normal', medianMs: 700, p95Ms: 2000 } } as const },
      {
        watch: fixed(2500),
        behaviour: { kind: 'zapper', every: fixed(1000) } as const,
      },
    );
    fc.assert(
      fc.property(
        shapes,
        behaviours,
        fc.constantFrom({ kind: 'uniform' } as const, { kind: 'zipf', exponent: 1.1 } as const),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
        fc.nat(2 ** 32 - 1),
        (shape, behaviour, popularity, workersOfShards, seed) => {
          const change = { ...behaviour, popularity, streams: streams(5) };
          const plan = { seed, sourceAddresses: ['127.0.0.2', '127.0.0.3', '127.0.0.4'] };
          const alone = sessionsOf(set(shape, change, 1, 0, plan), 30_000);
          const together = workersOfShards.flatMap((workers, index) =>
            Array.from({ length: workers }, (_, worker) => {
              const shard = { index, count: workersOfShards.length };
              return sessionsOf(set(shape, change, workers, worker, { ...plan, shard }), 30_000);
            }).flat(),
          );
          expect(together.sort()).toEqual(alone.sort());
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('popularity', () => {
  test('the first streams have most of the viewers', () => {
    const { group, to } = set(constant(1000, 10_000), {
      streams: streams(3),
      popularity: { kind: 'zipf', exponent: 1 },
    });
    to(0);
    const [first = 0, second = 0, third = 0] = group.active();
    // 1 : 1/2 : 1/3 of a thousand, within four deviations of √(n·p·(1−p)).
    expect(Math.abs(first - 545)).toBeLessThan(63);
    expect(Math.abs(second - 273)).toBeLessThan(57);
    expect(Math.abs(third - 182)).toBeLessThan(49);
    expect(first + second + third).toBe(1000);
  });
});

describe('a zapper', () => {
  const zapper = { streams: streams(4), behaviour: { kind: 'zapper', every: fixed(1000) } } as const;

  test('leaves one stream and starts another, whose times count from the zap', () => {
    const { group, viewers, to, total } = set(constant(1, 3500), zapper);
    to(3400);
    expect(viewers.map((viewer) => viewer.options.intendedStartMs)).toEqual([0, 1000, 2000, 3000]);
    for (const [n, viewer] of viewers.entries()) {
      expect(viewer.state).toBe(n < 3 ? 'ended' : 'connecting');
      if (n > 0) expect(viewer.options.url).not.toBe(viewers[n - 1]?.options.url);
    }
    expect(group.active().reduce((sum, count) => sum + count, 0)).toBe(1);
    to(4000);
    expect(viewers).toHaveLength(4);
    expect(total('sessions_started')?.count).toBe(4);
    expect(total('sessions_ended')?.count).toBe(4);
  });

  test('zaps on from a stream that failed, also when the sweep has seen it', () => {
    const { group, viewers, to } = set(constant(1, 10_000), zapper);
    to(100);
    viewers[0]?.fail('not-found');
    group.sweep(900);
    expect(group.finished).toBe(false);
    to(1100);
    expect(viewers).toHaveLength(2);
    group.sweep(1100);
    expect(group.states()).toMatchObject({ connecting: 1, ended: 0 });
    to(10_000);
    expect(group.finished).toBe(true);
    expect(viewers).toHaveLength(10);
  });

  test('leaves for good when its watch time is over; in the closed model another comes', () => {
    const open = set(arrivals(0.1, 9000), { ...zapper, watch: fixed(2500) });
    open.to(9000);
    expect(open.viewers.map((viewer) => viewer.options.intendedStartMs)).toEqual([0, 1000, 2000]);
    const closed = set(constant(1, 4000), { ...zapper, watch: fixed(2500) });
    closed.to(3999);
    expect(closed.viewers.map((viewer) => viewer.options.intendedStartMs)).toEqual([
      0, 1000, 2000, 2500, 3500,
    ]);
  });
});

describe('pause-and-return', () => {
  const pausing = (how: 'continue' | 'live' | 'reconnect') => ({
    behaviour: { kind: 'pause-and-return', after: fixed(1000), pause: fixed(3000), return: how } as const,
  });

  test.each([
    ['continue', 'keep', 'continue'],
    ['live', 'keep', 'live'],
    ['reconnect', 'close', 'continue'],
  ] as const)('%s', (back, connection, how) => {
    const { viewers, to } = set(constant(1, 10_000), pausing(back));
    to(9000);
    expect(viewers).toHaveLength(1);
    expect(viewers[0]?.pauses).toEqual([
      ['pause', connection, 1000],
      ['resume', how, 4000],
      ['pause', connection, 5000],
      ['resume', how, 8000],
      ['pause', connection, 9000],
    ]);
  });

  test('seconds with a pause in them tell no bit rate', () => {
    const behaviour = { ...pausing('continue').behaviour, after: fixed(2500) };
    const { group, viewers, to, total } = set(constant(1, 10_000), { behaviour });
    for (let ms = 0; ms <= 7000; ms += 1000) {
      to(ms);
      if (ms === 0) viewers[0]?.play();
      else viewers[0]!.bytesReceived += ms <= 2000 || ms >= 7000 ? 75_000 : 10;
      group.sweep(ms);
    }
    // Paused from 2,500 to 5,500: the seconds that end at 3,000 and 6,000 are not whole, either.
    expect(total('received_bps')).toMatchObject({ min: 600_000, max: 600_000 });
  });

  test('one that failed is left alone', () => {
    const { viewers, to } = set(constant(1, 10_000), pausing('live'));
    to(500);
    viewers[0]?.fail('reset');
    to(9000);
    expect(viewers[0]?.pauses).toEqual([]);
  });
});

describe('visitors that watch nothing', () => {
  test('feed connections and reasons, and no share of viewers without a picture', () => {
    const behaviour = { kind: 'connect-only', handshake: true, holdMs: 500 } as const;
    const { viewers, to, total } = set(constant(2, 5000), { behaviour });
    to(100);
    expect(viewers[0]?.options.only).toEqual(behaviour);
    viewers[0]?.observer.connected(7);
    viewers[0]?.stop();
    viewers[1]?.fail('refused');
    expect(total('connect_ms')?.count).toBe(1);
    expect(total('sessions_started')?.count).toBe(2);
    expect(total('sessions_ended')?.count).toBe(1);
    expect(total('sessions_failed', { reason: 'refused' })?.count).toBe(1);
    for (const metric of [
      'start_failure_ratio',
      'exit_before_start_ratio',
      'qoe_score',
      'watched_ms',
    ] as const)
      expect([metric, total(metric)?.count ?? 0]).toEqual([metric, 0]);
  });

  test('a flood goes on: each slot connects again after its time, whatever became of it', () => {
    const { group, viewers, to } = set(constant(1, 5000), {
      behaviour: { kind: 'connect-only', handshake: false, holdMs: 0 },
      watch: fixed(1000),
    });
    to(100);
    viewers[0]?.fail('refused');
    group.sweep(100);
    expect(group.finished).toBe(false);
    to(1500);
    expect(viewers.map((viewer) => viewer.options.intendedStartMs)).toEqual([0, 1000]);
  });

  test('how long the server bore with an idle one', () => {
    const { viewers, to, total } = set(constant(1, 5000), { behaviour: { kind: 'idle' } });
    to(100);
    viewers[0]?.observer.idleClosed?.(60_000);
    expect(total('idle_tolerated_ms')).toMatchObject({ count: 1 });
    expect(total('idle_tolerated_ms')?.max).toBeCloseTo(60_000, -3);
  });
});
