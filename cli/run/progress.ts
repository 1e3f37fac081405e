import type { ViewerStates } from '../../fleet/viewer-states.ts';
import type { Aggregation } from '../../metrics/aggregate.ts';
import type { MetricName } from '../../metrics/catalogue.ts';
import { type Point, Registry } from '../../metrics/registry.ts';
import { formatValue } from '../../sinks/format.ts';
import type { Colours } from '../terminal.ts';

/** What is shown while a run goes on. Times are `null` where nothing was measured yet. */
export interface Progress {
  readonly name: string;
  readonly elapsedMs: number;
  readonly durationMs: number;
  readonly wantedViewers: number;
  readonly states: ViewerStates;
  readonly failed: number;
  readonly firstFrameMs: Percentiles;
  readonly latencyMs: Percentiles;
  readonly stallCount: number;
  readonly stallMs: number;
  /** All viewers together, in the last second. */
  readonly receivedBps: number;
  readonly receivedBpsPerViewer: number | null;
  readonly cpu: number | null;
  readonly eventLoopLagMs: number | null;
  readonly invalidSeconds: number;
}

export interface Percentiles {
  readonly p50: number | null;
  readonly p95: number | null;
}

export type FromRegistries = Pick<
  Progress,
  | 'failed'
  | 'firstFrameMs'
  | 'latencyMs'
  | 'stallCount'
  | 'stallMs'
  | 'receivedBps'
  | 'receivedBpsPerViewer'
  | 'cpu'
  | 'eventLoopLagMs'
>;

/** Figures to show: first frame, stalls and failures of the whole run, everything else of the last second. */
export function progressFigures(run: Registry, lastSecond: readonly Point[]): FromRegistries {
  const second = new Registry();
  second.absorb(lastSecond);
  const read = (registry: Registry, name: MetricName, aggregation: Aggregation): number | null =>
    registry.total(name)?.read(aggregation, 1000) ?? null;
  const percentiles = (registry: Registry, name: MetricName): Percentiles => ({
    p50: read(registry, name, { p: 50 }),
    p95: read(registry, name, { p: 95 }),
  });
  return {
    failed: read(run, 'sessions_failed', 'count') ?? 0,
    firstFrameMs: percentiles(run, 'first_frame_ms'),
    latencyMs: percentiles(second, 'latency_ms'),
    stallCount: read(run, 'stall_count', 'count') ?? 0,
    stallMs: read(run, 'stall_ms', 'count') ?? 0,
    receivedBps: (read(second, 'bytes_received', 'count') ?? 0) * 8,
    receivedBpsPerViewer: read(second, 'received_bps', 'avg'),
    cpu: read(second, 'generator_cpu', 'max'),
    eventLoopLagMs: read(second, 'event_loop_lag_ms', { p: 99 }),
  };
}

/** The block that is drawn over once a second on a screen. */
export function renderBlock(progress: Progress, columns: number, colours: Colours): string[] {
  const { states, firstFrameMs, latencyMs, stallCount, stallMs, failed, invalidSeconds } = progress;
  const label = (text: string): string => colours.dim(text.padEnd(12));
  const bad = (text: string, isBad: boolean): string => (isBad ? colours.red(text) : text);
  const share = progress.durationMs > 0 ? Math.min(1, progress.elapsedMs / progress.durationMs) : 0;
  const clocks = `${clock(progress.elapsedMs)} / ${clock(progress.durationMs)}`;
  const width = Math.max(0, Math.min(40, columns - progress.name.length - clocks.length - 4));
  const done = Math.round(width * share);
  const perViewer =
    progress.receivedBpsPerViewer === null
      ? ''
      : `, ${formatValue(progress.receivedBpsPerViewer, 'bit/s')} each`;
  return [
    `${colours.bold(progress.name)}  ${clocks}  ${colours.green('█'.repeat(done))}${colours.dim('░'.repeat(width - done))}`,
    `${label('viewers')}${states.playing} playing, ${states.connecting + states.starting} starting, ${bad(`${states.stalled} stalled`, states.stalled > 0)}${states.paused > 0 ? `, ${states.paused} paused` : ''}${states.reconnecting > 0 ? `, ${states.reconnecting} reconnecting` : ''}${failed > 0 ? `, ${colours.red(`${failed} failed`)}` : ''}`,
    `${label('first frame')}${percentilesText(firstFrameMs)}`,
    `${label('latency')}${percentilesText(latencyMs)}`,
    `${label('stalls')}${bad(stallCount === 0 ? 'none' : `${stallCount}, ${formatValue(stallMs, 'ms')} in all`, stallCount > 0)}`,
    `${label('received')}${formatValue(progress.receivedBps, 'bit/s')}${perViewer}`,
    `${label('generator')}${generatorText(progress)}${invalidSeconds > 0 ? `, ${colours.red(`${invalidSeconds} seconds too busy`)}` : ''}`,
  ].map((line) => clip(line, columns));
}

/** The same in one line, for logs. */
export function renderLine(progress: Progress): string {
  const { states, firstFrameMs, latencyMs, stallCount, failed } = progress;
  const parts = [
    `${clock(progress.elapsedMs)} / ${clock(progress.durationMs)}`,
    `${states.playing} of ${progress.wantedViewers} viewers playing`,
    ...(states.stalled > 0 ? [`${states.stalled} stalled`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    `first frame ${percentilesText(firstFrameMs)}`,
    `latency ${percentilesText(latencyMs)}`,
    `stalls ${stallCount}`,
    formatValue(progress.receivedBps, 'bit/s'),
    `generator ${generatorText(progress)}`,
  ];
  return parts.join(' · ');
}

function percentilesText({ p50, p95 }: Percentiles): string {
  return p50 === null ? '–' : `p50 ${formatValue(p50, 'ms')}, p95 ${formatValue(p95, 'ms')}`;
}

function generatorText({ cpu, eventLoopLagMs }: Progress): string {
  if (cpu === null) return '–';
  return `${Math.round(cpu * 100)} % CPU, ${formatValue(eventLoopLagMs, 'ms')} lag`;
}

/** `01:05`, `1:00:00`. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (number: number): string => String(number).padStart(2, '0');
  const minutes = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return seconds >= 3600 ? `${Math.floor(seconds / 3600)}:${minutes}` : minutes;
}

/** A line cut to the screen's width: one that wraps would spoil the redrawing. Colour codes take no width. */
function clip(line: string, columns: number): string {
  let shown = 0;
  let text = '';
  for (const [part] of line.matchAll(ansiOrCharacter)) {
    if (part.length === 1 || !part.startsWith('\u001b')) {
      if (shown >= columns - 1) continue;
      shown++;
    }
    text += part;
  }
  return text;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes begin with one
const ansiOrCharacter = /\u001b\[[0-9;]*m|./gsu;
