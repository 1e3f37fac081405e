import { describe, expect, it } from 'vitest';
import { Registry } from '../../metrics/registry.ts';
import { makeSyntheticRun } from '../synthetic-run.ts';
import { plotsOf } from './plots.ts';
import { Timeline } from './timeline.ts';

const flv = { protocol: 'http-flv', stream: 'live/a' };

describe('Timeline', () => {
  it('merges streams and workers of a second, on it or near it', () => {
    const timeline = new Timeline(10_000);
    const [one, two] = [new Registry(), new Registry()];
    one.series('latency_ms', flv).add(100);
    two.series('latency_ms', { ...flv, stream: 'live/b' }).add(300);
    timeline.add(one.cut(11_004));
    timeline.add(two.cut(10_996));
    one.series('latency_ms', flv).add(500);
    timeline.add(one.cut(13_000));
    expect(timeline.line('latency_ms', 'http-flv', (all) => all.read('max', 0))).toEqual([300, null, 500]);
    expect(timeline.line('latency_ms', 'http-flv', (all) => all.read('count', 0))).toEqual([2, null, 1]);
    expect(timeline.protocols('latency_ms')).toEqual(['http-flv']);
    expect(timeline.line('latency_ms', 'rtmp', () => 1)).toEqual([null, null, null]);
  });

  it('stays small in a long run, and loses no count', () => {
    const timeline = new Timeline(0);
    const registry = new Registry();
    const stalls = registry.series('stall_count', flv);
    for (let second = 1; second <= 10_000; second++) {
      stalls.add(second % 3);
      timeline.add(registry.cut(second * 1000));
    }
    expect(timeline.binSeconds).toBe(16);
    expect(timeline.length).toBe(625);
    const counts = timeline.line('stall_count', 'http-flv', (all) => all.read('count', 0));
    expect(counts.reduce<number>((sum, count) => sum + (count ?? 0), 0)).toBe(10_000);
    expect(counts[0]).toBe([...Array(16).keys()].reduce((sum, i) => sum + ((i + 1) % 3), 0));
  });

  it('takes a point from before the start for the first second', () => {
    const timeline = new Timeline(10_000);
    const registry = new Registry();
    registry.series('stall_count', flv).add(1);
    timeline.add(registry.cut(5_000));
    expect(timeline.length).toBe(1);
  });
});

describe('plotsOf', () => {
  const plotsFor = (options: Parameters<typeof makeSyntheticRun>[0]) => {
    const { run, seconds } = makeSyntheticRun(options);
    const timeline = new Timeline(Date.parse(run.startedAt));
    for (const points of seconds) timeline.add(points);
    return new Map(plotsOf(timeline).map((plot) => [plot.id, plot]));
  };

  it('counts the viewers under way', () => {
    const { lines, seconds } = plotsFor({ seconds: 6, viewersPerStream: 10 }).get('viewers')!;
    expect(seconds).toEqual([1, 2, 3, 4, 5, 6]);
    expect(lines.map(({ label, values }) => [label, values])).toEqual([
      ['http-flv', [10, 20, 20, 20, 20, 0]],
      ['rtmp', [10, 20, 20, 20, 20, 0]],
    ]);
  });

  it('shows viewers that never stalled as zeros, not as a gap', () => {
    const { lines } = plotsFor({ seconds: 3, troubleAt: null }).get('stalls')!;
    expect(lines.map(({ label, values }) => [label, values])).toEqual([
      ['http-flv', [0, 0, 0]],
      ['rtmp', [0, 0, 0]],
    ]);
  });

  it('keeps the colour of a protocol in all plots', () => {
    for (const plot of plotsFor({ seconds: 6 }).values()) {
      for (const { label, colour } of plot.lines)
        if (label.startsWith('rtmp')) expect([plot.id, colour]).toEqual([plot.id, 1]);
    }
  });

  it('has no lines where there was no data', () => {
    for (const plot of plotsFor({ seconds: 0 }).values())
      expect([plot.id, plot.lines]).toEqual([plot.id, []]);
  });
});
