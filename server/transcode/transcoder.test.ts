import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import type { LadderOptions } from './ladder.ts';
import type { LadderStats } from './stats.ts';
import { type LadderLike, startTranscoder, type TranscoderOptions } from './transcoder.ts';

class FakeLadder implements LadderLike {
  readonly stream: string;
  readonly options: LadderOptions;
  readonly pid = 7;
  active = true;
  strained = false;
  restarts = 2;
  gone: () => void = () => {};
  stopping = false;

  constructor(options: LadderOptions) {
    this.stream = options.stream;
    this.options = options;
  }

  stop(): Promise<void> {
    this.stopping = true;
    return new Promise((resolve) => {
      this.gone = resolve;
    });
  }

  stats(): LadderStats {
    return { stream: this.stream, state: 'running' } as LadderStats;
  }
}

function start(options: Partial<TranscoderOptions> = {}) {
  const ladders: FakeLadder[] = [];
  const lines: string[] = [];
  const transcoder = startTranscoder({
    ingest: { rtmpUrl: 'rtmp://h:1', httpUrl: 'http://h:2' },
    rungs: [{ height: 720 }],
    createLadder: (made) => {
      const ladder = new FakeLadder(made);
      ladders.push(ladder);
      return ladder;
    },
    epochS: () => 1_000,
    log: pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line).msg) }),
    ...options,
  });
  return {
    transcoder,
    ladders,
    lines,
    published: (stream: string) => transcoder.streamEvent({ kind: 'published', stream }),
    unpublished: (stream: string) => transcoder.streamEvent({ kind: 'unpublished', stream }),
    running: () => ladders.filter(({ stopping }) => !stopping).map(({ stream }) => stream),
    states: () => transcoder.stats().ladders.map(({ stream, state }) => `${stream} ${state}`),
  };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

it('gives each stream that is meant its ladder, and no rung one of its own', () => {
  const { published, running } = start({ streams: 'live/*' });
  for (const stream of ['live/a', 'live/a_720p', 'live/a_audio', 'vod/b', 'live/c_360p']) published(stream);
  expect(running()).toEqual(['live/a', 'live/c_360p']);
});

it('without rungs it does nothing', () => {
  const { published, running } = start({ rungs: [] });
  published('live/a');
  expect(running()).toEqual([]);
});

it('signs what it pulls and pushes, for the next minute', () => {
  const { published, ladders } = start({ internalSecret: 'the secret of the stack' });
  published('live/a');
  const { pullUrl, pushUrl } = ladders[0]!.options;
  expect(pullUrl('live/a')).toMatch(/^http:\/\/h:2\/live\/a\.flv\?sign=1060-[0-9a-f]{32}$/);
  expect(pushUrl('live/a_720p')).toMatch(/^rtmp:\/\/h:1\/live\/a_720p\?sign=1060-[0-9a-f]{32}$/);
});

it('a stream that comes back waits until the ffmpeg of its last ladder is gone', async () => {
  const { published, unpublished, ladders, running, transcoder } = start();
  published('live/a');
  unpublished('live/a');
  published('live/a');
  await settled();
  expect([ladders.length, running()]).toEqual([1, []]);
  ladders[0]!.gone();
  await settled();
  expect([ladders.length, running(), transcoder.stats().restarts]).toEqual([2, ['live/a'], 4]);
  unpublished('live/a');
  published('live/a');
  unpublished('live/a');
  ladders[1]!.gone();
  await settled();
  expect([ladders.length, transcoder.stats().ladders]).toEqual([2, []]);
});

it('refuses ladders beyond the budget, says so, and starts them when there is room', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const { published, unpublished, ladders, running, states, lines, transcoder } = start({ maxLadders: 2 });
    for (const stream of ['live/a', 'live/b', 'live/c', 'live/d']) published(stream);
    expect(running()).toEqual(['live/a', 'live/b']);
    expect(states()).toEqual(['live/a running', 'live/b running', 'live/c refused', 'live/d refused']);
    expect(transcoder.stats().refused).toBe(2);
    expect(transcoder.stats().ladders[2]!.reason).toBe('2 of at most 2 ladders run (transcode.maxLadders)');
    expect(lines).toEqual(Array(2).fill('ladder refused: the source alone is served'));
    unpublished('live/c');
    // One that has nothing to do takes no room.
    ladders[0]!.active = false;
    vi.advanceTimersByTime(2_000);
    expect(running()).toEqual(['live/a', 'live/b', 'live/d']);
    expect(vi.getTimerCount()).toBe(0);
    expect(lines).toHaveLength(2);
  } finally {
    vi.useRealTimers();
  }
});

it('one that is below real time lets no other start, until it has recovered', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const { published, ladders, running } = start();
    published('live/a');
    ladders[0]!.strained = true;
    published('live/b');
    vi.advanceTimersByTime(10_000);
    expect(running()).toEqual(['live/a']);
    ladders[0]!.strained = false;
    vi.advanceTimersByTime(2_000);
    expect(running()).toEqual(['live/a', 'live/b']);
  } finally {
    vi.useRealTimers();
  }
});

it('stops when all ffmpegs are gone, and starts none after that', async () => {
  const { transcoder, published, ladders } = start();
  published('live/a');
  let stopped = false;
  const stopping = transcoder.stop().then(() => {
    stopped = true;
  });
  published('live/b');
  await settled();
  expect([stopped, ladders.length]).toEqual([false, 1]);
  ladders[0]!.gone();
  await stopping;
  expect(transcoder.pids).toEqual([]);
  await transcoder.stop();
});

it('says what is missing where ffmpeg is not there', async () => {
  vi.stubEnv('FFMPEG_PATH', '/no/such/ffmpeg');
  const { transcoder, lines } = start();
  await vi.waitFor(() => expect(lines).toEqual(['no ladders: the encoder is not there']));
  expect(transcoder.stats().problem).toMatch('FFMPEG_PATH names /no/such/ffmpeg');
  vi.unstubAllEnvs();
});
