import { describe, expect, it } from 'vitest';
import { Cuts } from './cuts.ts';
import { Line, type LineShape } from './line.ts';
import { Link } from './link.ts';
import { type LinkCut, type LinkTrace, unlimited } from './profile.ts';

const START = 50_000;

function lineOf(shape: Partial<LineShape>, cuts: LinkCut[] = []): Line {
  const all: LineShape = { bps: null, trace: null, delayMs: 0, jitterMs: 0, first: 'delay', ...shape };
  return new Line(all, new Cuts(cuts, 7), START, 7);
}

/** Reads as a connection does, from a sender that always has more: bytes that have come out by then. */
function saturate(line: Line, forMs: number, tickMs = 4): { bytes: number; mostAheadMs: number } {
  let bytes = 0;
  let mostAheadMs = 0;
  for (let nowMs = START; nowMs < START + forMs; nowMs += tickMs)
    while (!line.full(nowMs)) {
      const count = line.readBytes(nowMs);
      const dueMs = line.pass(nowMs, count);
      mostAheadMs = Math.max(mostAheadMs, dueMs - nowMs);
      if (dueMs <= START + forMs) bytes += count;
    }
  return { bytes, mostAheadMs };
}

describe('bandwidth', () => {
  it.each([64_000, 400_000, 3_000_000, 100_000_000])('%d bit/s: that much is carried', (bps) => {
    const { bytes, mostAheadMs } = saturate(lineOf({ bps }), 20_000);
    expect((bytes * 8) / 20 / bps).toBeGreaterThan(0.99);
    expect((bytes * 8) / 20 / bps).toBeLessThan(1.01);
    // What is read is out soon: the rest waits at the server.
    expect(mostAheadMs).toBeLessThan(140);
  });

  it('loses nothing where it is looked after 40 ms late', () => {
    const { bytes } = saturate(lineOf({ bps: 3_000_000 }), 20_000, 40);
    expect((bytes * 8) / 20 / 3_000_000).toBeGreaterThan(0.99);
  });

  it('gives an idle line 20 ms of credit and no more', () => {
    const line = lineOf({ bps: 800_000 });
    // 100 bytes a millisecond.
    expect(line.pass(START, 2_000)).toBe(START);
    expect(line.pass(START, 1_000)).toBe(START + 10);
    expect(line.pass(START + 10_000, 5_000)).toBe(START + 10_030);
  });

  it('is shared: two that take turns get as much together as one alone', () => {
    const line = lineOf({ bps: 800_000 });
    line.pass(START, 2_000);
    const due = Array.from({ length: 10 }, () => line.pass(START, 100));
    expect(due.at(-1)).toBe(START + 10);
  });
});

describe('delay and jitter', () => {
  it('delays each byte by the delay, whatever comes before it', () => {
    const line = lineOf({ delayMs: 300 });
    expect([0, 1, 50].map((ms) => line.pass(START + ms, 10_000) - START)).toEqual([300, 301, 350]);
    expect(line.full(START + 50)).toBe(false);
  });

  it('with bandwidth: the delay does not press back', () => {
    const { bytes } = saturate(lineOf({ bps: 3_000_000, delayMs: 2_000 }), 20_000);
    // The first two seconds are empty.
    expect((bytes * 8) / 18 / 3_000_000).toBeGreaterThan(0.99);
    expect((bytes * 8) / 18 / 3_000_000).toBeLessThan(1.01);
  });

  it.each(['delay', 'bandwidth'] as const)(
    'jitter (%s first) is even around the delay, and keeps the order',
    (first) => {
      const line = lineOf({ delayMs: 40, jitterMs: 10, first });
      const delays = Array.from(
        { length: 5_000 },
        (_, i) => line.pass(START + i * 40, 1_000) - START - i * 40,
      );
      const mean = delays.reduce((sum, ms) => sum + ms) / delays.length;
      expect(mean).toBeGreaterThan(39.5);
      expect(mean).toBeLessThan(40.5);
      expect(Math.min(...delays)).toBeGreaterThanOrEqual(30);
      expect(Math.min(...delays)).toBeLessThan(31);
      expect(Math.max(...delays)).toBeLessThanOrEqual(50);
      expect(Math.max(...delays)).toBeGreaterThan(49);
      const dense = lineOf({ delayMs: 40, jitterMs: 40, first });
      const due = Array.from({ length: 1_000 }, (_, i) => dense.pass(START + i, 100));
      expect(due).toEqual([...due].sort((a, b) => a - b));
    },
  );

  it('packets without content cross with the delay and push nothing back', () => {
    const line = lineOf({ bps: 800_000, delayMs: 100 });
    expect(line.cross(START)).toBe(START + 100);
    expect(line.cross(START + 5_000)).toBe(START + 5_100);
    expect(line.pass(START, 3_000)).toBe(START + 110);
    expect(line.cross(START)).toBe(START + 110);
  });
});

describe('cuts', () => {
  const cut: LinkCut = { when: { atMs: 10_000 }, forMs: 3_000, kind: 'silence' };

  it.each([
    ['down', 'delay', 250],
    ['up', 'bandwidth', 0],
  ] as const)(
    '%s: nothing passes the last mile meanwhile; what waited comes at the rate',
    (_, first, early) => {
      const line = lineOf({ bps: 800_000, delayMs: 250, first }, [cut]);
      const at = (ms: number, bytes: number) => line.pass(START + ms - early, bytes) - START - (250 - early);
      expect(at(9_000, 100)).toBe(9_000);
      // 1,000 bytes would take 10 ms, the half of them is through when the cut begins.
      at(9_985, 3_000);
      expect(at(9_990, 500)).toBe(13_000);
      expect(at(10_500, 2_000)).toBe(13_020);
      expect(line.full(START + 10_500 - early)).toBe(true);
      expect(line.full(START + 12_990 - early)).toBe(false);
      expect(at(14_000, 100)).toBe(14_000);
    },
  );

  it('hold also where the bandwidth is not limited', () => {
    const line = lineOf({}, [cut]);
    expect(line.pass(START + 10_001, 100)).toBe(START + 13_000);
    expect(line.full(START + 10_002)).toBe(true);
    expect(line.readyMs(START + 10_002)).toBe(START + 12_960);
    expect(line.cross(START + 10_500)).toBe(START + 13_000);
    expect(line.pass(START + 13_001, 100)).toBe(START + 13_001);
  });

  it('every 60 s for 2 s: each viewer at moments of its own, all the time', () => {
    const every: LinkCut = { when: { everyMs: 60_000 }, forMs: 2_000, kind: 'silence' };
    const firsts = Array.from({ length: 400 }, (_, seed) => new Cuts([every], seed).next(0)!.startMs);
    expect(Math.min(...firsts)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...firsts)).toBeLessThan(60_000);
    const mean = firsts.reduce((sum, ms) => sum + ms) / firsts.length;
    expect(mean).toBeGreaterThan(27_000);
    expect(mean).toBeLessThan(33_000);
    const cuts = new Cuts([every], 3);
    const { startMs, endMs } = cuts.next(0)!;
    expect(endMs - startMs).toBe(2_000);
    expect(cuts.next(endMs)!.startMs).toBe(startMs + 60_000);
    expect(cuts.next(startMs + 600_000 + 1_999)!.startMs).toBe(startMs + 600_000);
    expect(cuts.clear(startMs + 600_001)).toBe(startMs + 602_000);
    expect(new Cuts([every], 3).next(0)).toEqual(cuts.next(0));
  });

  it('that overlap are one', () => {
    const cuts = new Cuts([cut, { when: { atMs: 12_000 }, forMs: 3_000, kind: 'silence' }], 1);
    expect(cuts.clear(10_500)).toBe(15_000);
    expect(cuts.clear(15_000)).toBe(15_000);
  });

  it('of the kind reset say when', () => {
    const link = new Link(
      { ...unlimited, cuts: [cut, { ...cut, when: { atMs: 20_000 }, kind: 'reset', forMs: 0 }] },
      1,
      START,
    );
    expect(link.nextResetMs(START)).toBe(START + 20_000);
    expect(link.nextResetMs(START + 20_000)).toBe(Number.POSITIVE_INFINITY);
    const often: LinkCut = { when: { everyMs: 1_000 }, forMs: 100, kind: 'reset' };
    const first = new Cuts([often], 5).nextResetMs(-1);
    expect(new Cuts([often], 5).nextResetMs(first)).toBeCloseTo(first + 1_000, 6);
  });
});

describe('a trace', () => {
  const trace: LinkTrace = { startsMs: [0, 1_000, 3_000], bps: [800_000, 0, 1_600_000], periodMs: 4_000 };

  it('carries what its steps say, over and over', () => {
    const line = lineOf({ trace, bps: null });
    let bytes = 0;
    const bySecond = new Map<number, number>();
    for (let nowMs = START; nowMs < START + 40_000; nowMs += 4)
      while (!line.full(nowMs)) {
        const count = line.readBytes(nowMs);
        const second = Math.floor((line.pass(nowMs, count) - START) / 1_000) % 4;
        bySecond.set(second, (bySecond.get(second) ?? 0) + count);
        bytes += count;
      }
    expect(bytes / 10).toBeGreaterThan(300_000 * 0.99);
    expect(bytes / 10).toBeLessThan(300_000 * 1.01);
    const share = (second: number) => (bySecond.get(second) ?? 0) / bytes;
    expect(share(0)).toBeCloseTo(1 / 3, 1);
    expect(share(1) + share(2)).toBeLessThan(0.01);
    expect(share(3)).toBeCloseTo(2 / 3, 1);
  });

  it('one read may take several steps', () => {
    const line = lineOf({ trace, bps: null });
    // 4,000 bytes of credit from the end of the round before, 100,000 in the first second, then silence, then 200,000.
    expect(line.pass(START, 204_000)).toBeCloseTo(START + 3_500, 6);
    expect(line.pass(START, 110_000)).toBeCloseTo(START + 4_100, 6);
  });
});

it('the same profile, seed and start give the same link', () => {
  const profile = { ...unlimited, delayMs: 100, jitterMs: 50, downBps: 1_000_000 };
  const dues = (seed: number) => {
    const link = new Link(profile, seed, START);
    return Array.from({ length: 50 }, (_, i) => [
      link.down.pass(START + i * 30, 900),
      link.up.pass(START + i * 30, 90),
    ]);
  };
  expect(dues(1)).toEqual(dues(1));
  expect(dues(1)).not.toEqual(dues(2));
  // Up and down do not jitter together.
  const [down, up] = [0, 1].map((way) => dues(1).map((pair, i) => pair[way]! - START - i * 30));
  expect(down).not.toEqual(up);
});
