import { expect, it } from 'vitest';
import { SpeedMeter } from './speed-meter.ts';

/** Marks once a second. @param speeds of each second: the source's and the ladder's */
function run(
  meter: SpeedMeter,
  from: { atMs: number; sourceMs: number; outMs: number },
  speeds: [number, number][],
) {
  const changes: string[] = [];
  for (const [source, out] of speeds) {
    from.atMs += 1_000;
    from.sourceMs += source * 1_000;
    from.outMs += out * 1_000;
    const change = meter.mark(from.atMs, from.sourceMs, from.outMs);
    if (change !== null) changes.push(`${change} at ${from.atMs / 1_000}`);
  }
  return changes;
}
const seconds = (count: number, source: number, out: number) =>
  Array.from({ length: count }, (): [number, number] => [source, out]);
const zero = () => ({ atMs: 0, sourceMs: 0, outMs: 0 });

it('a ladder that keeps up is never reported, and the first burst is not taken for its speed', () => {
  const meter = new SpeedMeter(5_000);
  expect(run(meter, zero(), [[5, 5], ...seconds(60, 1, 1)])).toEqual([]);
  expect([meter.speed, meter.sourceSpeed, meter.slow, meter.strained]).toEqual([1, 1, false, false]);
});

it('says nothing of the first seconds', () => {
  const meter = new SpeedMeter(5_000);
  run(meter, zero(), seconds(3, 1, 1));
  expect(meter.speed).toBe(null);
  run(meter, { atMs: 3_000, sourceMs: 3_000, outMs: 3_000 }, seconds(1, 1, 1));
  expect(meter.speed).toBe(1);
});

it('one that falls behind is reported once, after the time given, and once more when it is well', () => {
  const meter = new SpeedMeter(5_000);
  const at = zero();
  expect(run(meter, at, seconds(30, 1, 0.8))).toEqual(['slow at 9']);
  expect([meter.slow, meter.strained, meter.speed]).toEqual([true, true, expect.closeTo(0.8)]);
  expect(run(meter, at, seconds(30, 1, 1))).toEqual(['recovered at 35']);
  expect([meter.slow, meter.strained]).toEqual([false, false]);
});

it('a source that sends less is not the ladder’s fault, nor need one that catches up be matched', () => {
  expect(run(new SpeedMeter(5_000), zero(), seconds(60, 0.5, 0.5))).toEqual([]);
  expect(run(new SpeedMeter(5_000), zero(), seconds(60, 0, 0))).toEqual([]);
  expect(run(new SpeedMeter(5_000), zero(), seconds(60, 2, 1))).toEqual([]);
});
