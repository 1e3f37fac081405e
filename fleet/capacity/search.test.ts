import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SearchOptions } from '../../metrics/capacity.ts';
import { type Found, findingOf, type HeldLevel, nextStep } from './search.ts';

const defaults: SearchOptions = {
  start: 10,
  max: 1_000_000,
  granule: 1,
  step: { kind: 'factor', by: 2 },
  resolution: { kind: 'share', by: 0.05 },
  agree: 2,
  patience: 3,
  maxLevels: 60,
};

type Server = (load: number, attempt: number) => HeldLevel['verdict'];

/** A search against a server that is a function; what it found, and every level in order. */
function search(server: Server, changes: Partial<SearchOptions> = {}): { found: Found; levels: HeldLevel[] } {
  const options = { ...defaults, ...changes };
  const levels: HeldLevel[] = [];
  for (;;) {
    const step = nextStep(options, levels);
    if (step.kind === 'done') return { found: step.found, levels };
    if (levels.length > options.maxLevels) throw new Error('The search does not end.');
    levels.push({ load: step.load, verdict: server(step.load, levels.length) });
  }
}

/** Carries so many, and not one more. */
const carries =
  (capacity: number): Server =>
  (load) =>
    load <= capacity ? 'good' : 'bad';

describe('a server that carries 65', () => {
  const { found, levels } = search(carries(65), { resolution: { kind: 'absolute', by: 1 } });

  it('is found exactly, with both ends confirmed by a repeat', () => {
    expect(found).toEqual({
      outcome: 'found',
      capacity: 65,
      low: 65,
      high: 66,
      confidence: 'high',
      doubts: [],
      repeats: { good: { agreed: 2, of: 2 }, bad: { agreed: 2, of: 2 } },
    });
  });

  it('by doubling, then halving the gap, then once more at both ends', () => {
    expect(levels.map(({ load }) => load)).toEqual([10, 20, 40, 80, 60, 70, 65, 68, 67, 66, 65, 66]);
  });
});

describe('ends of the search', () => {
  it('the largest load that is allowed is carried: at least that', () => {
    const { found, levels } = search(carries(5_000), { max: 100 });
    expect(found).toMatchObject({ outcome: 'at-least', capacity: 100, low: 100, high: null });
    expect(levels.map(({ load }) => load)).toEqual([10, 20, 40, 80, 100, 100]);
  });

  it('not even one viewer is carried', () => {
    const { found, levels } = search(carries(0));
    expect(found).toMatchObject({ outcome: 'none', capacity: null, low: null, high: 1, confidence: 'high' });
    expect(levels.map(({ load }) => load)).toEqual([10, 5, 3, 2, 1, 1]);
  });

  it('a server that carries less than the first load is found below it', () => {
    expect(search(carries(7), { start: 100 }).found).toMatchObject({
      outcome: 'found',
      capacity: 7,
      high: 8,
    });
  });

  it('a generator at its limit is the limit after a third try, and the answer is at least what was seen', () => {
    const { found, levels } = search((load) => (load <= 100 ? 'good' : 'inconclusive'));
    expect(found.outcome).toBe('generator');
    expect(found.high).toBeNull();
    expect(found.capacity).toBeGreaterThanOrEqual(95);
    expect(found.capacity).toBeLessThanOrEqual(100);
    expect(levels.filter(({ load }) => load === 160).length).toBe(3);
  });

  it('a server that fails below the limit of the generator is found all the same', () => {
    const server: Server = (load) => (load <= 100 ? 'good' : load <= 140 ? 'bad' : 'inconclusive');
    expect(search(server).found).toMatchObject({ outcome: 'found', confidence: 'high' });
  });

  it('a generator that cannot do anything at all tells nothing', () => {
    expect(search(() => 'inconclusive').found).toMatchObject({ outcome: 'generator', capacity: null });
  });

  it('one busy second of the machine does not end the search', () => {
    const { found } = search((load, attempt) =>
      attempt === 2 ? 'inconclusive' : carries(65)(load, attempt),
    );
    expect(found).toMatchObject({ outcome: 'found', confidence: 'high' });
  });

  it('a search that may hold few levels tells what it knows, and that it is little', () => {
    const { found, levels } = search(carries(700), { maxLevels: 8 });
    expect(levels).toHaveLength(8);
    expect(found).toMatchObject({ outcome: 'found', capacity: 640, confidence: 'low' });
    expect(found.doubts.join(' ')).toMatch(/still far apart/);
  });

  it('steps by an increment, in tenths', () => {
    const { levels, found } = search(carries(1.25), {
      start: 0.5,
      granule: 0.1,
      step: { kind: 'increment', by: 0.5 },
    });
    expect(levels.map(({ load }) => load)).toEqual([0.5, 1, 1.5, 1.3, 1.1, 1.2, 1.2, 1.3]);
    expect(found).toMatchObject({ capacity: 1.2, high: 1.3 });
  });
});

describe('repeats that do not agree', () => {
  it('a load that fails when it is repeated is settled by majority, and the search goes on below', () => {
    // 80 was good by luck, once.
    const { found } = search((load, attempt) => (load <= 70 || (load <= 80 && attempt < 4) ? 'good' : 'bad'));
    expect(found).toMatchObject({ outcome: 'found' });
    expect(found.capacity).toBeGreaterThan(66);
    expect(found.capacity).toBeLessThanOrEqual(70);
  });

  it('a load that failed by accident is carried after all, and the interval says how sure that is', () => {
    const { found } = search((load, attempt) => (attempt === 3 ? 'bad' : carries(300)(load, attempt)));
    expect(found.capacity).toBeGreaterThanOrEqual(286);
    expect(found.capacity).toBeLessThanOrEqual(300);
  });

  it('a load that is now good, now bad, makes the interval wider and the answer less sure', () => {
    const seen = new Map<number, number>();
    const { found } = search((load) => {
      const times = (seen.get(load) ?? 0) + 1;
      seen.set(load, times);
      return load < 40 ? 'good' : load > 40 ? 'bad' : times % 2 === 1 ? 'good' : 'bad';
    });
    expect(found).toMatchObject({ capacity: 40, low: 20, confidence: 'medium' });
    expect(found.doubts).toEqual(['40 met the thresholds in 2 of 3 tries.']);
  });
});

it('goes on from written levels as if nothing had happened', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), fc.nat(20), (capacity, stop) => {
      const whole = search(carries(capacity));
      const written = JSON.parse(JSON.stringify(whole.levels.slice(0, stop))) as HeldLevel[];
      const rest = whole.levels.slice(stop);
      for (const level of rest) {
        expect(nextStep(defaults, written)).toMatchObject({ kind: 'hold', load: level.load });
        written.push(level);
      }
      expect(nextStep(defaults, written)).toEqual({ kind: 'done', found: whole.found });
    }),
  );
});

describe('any server', () => {
  it('is found within the resolution, in a bounded number of levels', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200_000 }),
        fc.integer({ min: 1, max: 5_000 }),
        fc.double({ min: 1.2, max: 4, noNaN: true }),
        fc.double({ min: 0.01, max: 0.2, noNaN: true }),
        (capacity, start, factor, share) => {
          const options = {
            start,
            step: { kind: 'factor', by: factor },
            resolution: { kind: 'share', by: share },
            maxLevels: 200,
          } as const;
          const { found, levels } = search(carries(capacity), options);
          expect(found.outcome).toBe('found');
          expect(found.capacity!).toBeLessThanOrEqual(capacity);
          expect(found.high!).toBeGreaterThan(capacity);
          expect(found.high! - found.capacity!).toBeLessThanOrEqual(
            Math.max(1, share * found.capacity!) + 1e-6,
          );
          // Small loads grow by one at least, so a factor near 1 takes a few steps more there.
          const steps = Math.log(Math.max(2, capacity / start)) / Math.log(factor) + 8;
          const halvings = Math.log2(1 / share) + Math.log2(start) + 4;
          expect(levels.length).toBeLessThan(steps + halvings + 4);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('with noise about its limit is found within the noise, and never claims more than was seen', () => {
    fc.assert(
      fc.property(fc.integer({ min: 50, max: 20_000 }), fc.integer(), (capacity, seed) => {
        const random = mulberry(seed);
        // Within 5 % of its limit the server's behaviour is a matter of luck.
        const server: Server = (load) => (load <= capacity * (0.95 + 0.1 * random()) ? 'good' : 'bad');
        const { found, levels } = search(server);
        expect(found.outcome).toBe('found');
        expect(found.capacity!).toBeGreaterThanOrEqual(capacity * 0.9);
        expect(found.capacity!).toBeLessThanOrEqual(capacity * 1.05);
        expect(levels.length).toBeLessThan(defaults.maxLevels);
        expect(levels.some(({ load, verdict }) => load === found.capacity && verdict === 'good')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('whose levels fail at random ends all the same, and says that it is not sure', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = mulberry(seed);
        const { found, levels } = search((load) =>
          load > 500 ? 'bad' : random() < 0.25 ? 'bad' : random() < 0.1 ? 'inconclusive' : 'good',
        );
        expect(levels.length).toBeLessThanOrEqual(defaults.maxLevels);
        expect(found.capacity ?? 0).toBeLessThanOrEqual(500);
        if (levels.filter(({ load, verdict }) => load === found.capacity && verdict === 'bad').length > 0)
          expect(found.confidence).not.toBe('high');
      }),
      { numRuns: 300 },
    );
  });

  it('that stays broken for a while once it was overloaded is not overrated', () => {
    // Hysteresis: after a failed level, the next one gets only 80 % of the usual.
    let weak = false;
    const { found } = search((load) => {
      const carried = load <= (weak ? 800 : 1_000);
      weak = !carried;
      return carried ? 'good' : 'bad';
    });
    expect(found.capacity!).toBeGreaterThan(750);
    expect(found.capacity!).toBeLessThanOrEqual(1_000);
  });
});

it('says what is known in mid-search', () => {
  expect(findingOf(defaults, [])).toBeNull();
  expect(findingOf(defaults, [{ load: 10, verdict: 'good' }])).toMatchObject({
    capacity: 10,
    confidence: 'low',
  });
});

/** A small random generator with a seed, so that a failure can be had again. */
function mulberry(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
