import pc from 'picocolors';
import { describe, expect, test } from 'vitest';
import { Registry } from '../../metrics/registry.ts';
import { clock, type Progress, progressFigures, renderBlock, renderLine } from './progress.ts';

const plain = pc.createColors(false);
const progress: Progress = {
  name: 'smoke',
  elapsedMs: 12_300,
  durationMs: 30_000,
  wantedViewers: 40,
  states: { connecting: 1, starting: 1, playing: 37, stalled: 1, paused: 0, reconnecting: 0, ended: 0 },
  failed: 0,
  firstFrameMs: { p50: 84.2, p95: 130 },
  latencyMs: { p50: 612, p95: 790 },
  stallCount: 2,
  stallMs: 1250,
  receivedBps: 24_300_000,
  receivedBpsPerViewer: 640_000,
  cpu: 0.121,
  eventLoopLagMs: 1.24,
  invalidSeconds: 0,
};
const early: Progress = {
  ...progress,
  elapsedMs: 0,
  states: { ...progress.states, connecting: 0, starting: 0, playing: 0, stalled: 0 },
  firstFrameMs: { p50: null, p95: null },
  latencyMs: { p50: null, p95: null },
  stallCount: 0,
  stallMs: 0,
  receivedBps: 0,
  receivedBpsPerViewer: null,
  cpu: null,
  eventLoopLagMs: null,
};

describe('progress', () => {
  test('as a block on a screen', () => {
    expect(renderBlock(progress, 80, plain).join('\n')).toMatchInlineSnapshot(`
      "smoke  00:12 / 00:30  ████████████████░░░░░░░░░░░░░░░░░░░░░░░░
      viewers     37 playing, 2 starting, 1 stalled
      first frame p50 84 ms, p95 130 ms
      latency     p50 612 ms, p95 790 ms
      stalls      2, 1,250 ms in all
      received    24.3 Mbit/s, 640 kbit/s each
      generator   12 % CPU, 1.2 ms lag"
    `);
    expect(renderBlock(early, 60, plain).join('\n')).toMatchInlineSnapshot(`
      "smoke  00:00 / 00:30  ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
      viewers     0 playing, 0 starting, 0 stalled
      first frame –
      latency     –
      stalls      none
      received    0 bit/s
      generator   –"
    `);
  });

  test('trouble is told', () => {
    const trouble = {
      ...progress,
      failed: 3,
      invalidSeconds: 2,
      states: { ...progress.states, paused: 2, reconnecting: 4 },
    };
    const lines = renderBlock(trouble, 100, plain);
    expect(lines[1]).toBe(
      'viewers     37 playing, 2 starting, 1 stalled, 2 paused, 4 reconnecting, 3 failed',
    );
    expect(lines[6]).toBe('generator   12 % CPU, 1.2 ms lag, 2 seconds too busy');
  });

  test('no line is as wide as the screen, colours or not', () => {
    for (const colours of [plain, pc.createColors(true)])
      for (const line of renderBlock(progress, 24, colours)) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes begin with one
        expect(line.replace(/\u001b\[[0-9;]*m/g, '').length).toBeLessThan(24);
      }
  });

  test('as a line in a log', () => {
    expect(renderLine(progress)).toMatchInlineSnapshot(
      `"00:12 / 00:30 · 37 of 40 viewers playing · 1 stalled · first frame p50 84 ms, p95 130 ms · latency p50 612 ms, p95 790 ms · stalls 2 · 24.3 Mbit/s · generator 12 % CPU, 1.2 ms lag"`,
    );
    expect(renderLine(early)).toMatchInlineSnapshot(
      `"00:00 / 00:30 · 0 of 40 viewers playing · first frame – · latency – · stalls 0 · 0 bit/s · generator –"`,
    );
  });

  test('clocks', () => {
    expect([0, 65_000, 3_600_000, -5].map(clock)).toEqual(['00:00', '01:05', '1:00:00', '00:00']);
  });

  test('figures: first frame and stalls of the run, latency and bit rate of the last second', () => {
    const run = new Registry();
    run.series('first_frame_ms').add(100);
    run.series('latency_ms').add(1000);
    run.series('stall_count').add(2);
    const worker = new Registry();
    worker.series('latency_ms').add(500);
    worker.series('bytes_received').add(1000);
    worker.series('received_bps').add(8000);
    worker.series('generator_cpu', { node: 'viewers-1' }).add(0.2);
    worker.series('generator_cpu', { node: 'viewers-2' }).add(0.4);
    worker.series('event_loop_lag_ms').add(3);
    const points = worker.cut(1000);
    run.absorb(points);
    expect(progressFigures(run, points)).toEqual({
      failed: 0,
      firstFrameMs: { p50: 100, p95: 100 },
      latencyMs: { p50: 500, p95: 500 },
      stallCount: 2,
      stallMs: 0,
      receivedBps: 8000,
      receivedBpsPerViewer: 8000,
      cpu: 0.4,
      eventLoopLagMs: 3,
    });
  });
});
