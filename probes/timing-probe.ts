import { createViewer, protocolOf } from '../clients/create-viewer.ts';
import type { SessionOutcome, Timeouts, TlsOptions, Viewer, ViewerObserver } from '../clients/viewer.ts';
import type { Clock } from '../core/clock.ts';
import { type PlayerProfile, playerProfiles } from '../core/player/profile.ts';
import { withoutSecrets } from '../core/secrets.ts';
import type { MetricName, Tags } from '../metrics/catalogue.ts';
import type { MetricSummary, Registry } from '../metrics/registry.ts';
import { diagnose, type Finding, type Level, worst } from './diagnosis.ts';
import {
  INSPECTED_HEAD_BYTES,
  type StreamCounts,
  type StreamFacts,
  StreamInspector,
} from './stream-inspector.ts';

export interface TimingProbeOptions {
  readonly url: string;
  /** How long to look once the first frame is there; a stream that never shows one ends by the viewer's own limits. */
  readonly forMs: number;
  readonly clock: Clock;
  /** Where the samples go, with the tags `protocol`, `stream` and `probe: timing`. */
  readonly registry: Registry;
  /** Value of the `stream` tag; left out: the path of the URL. */
  readonly stream?: string;
  readonly player?: PlayerProfile;
  readonly timeouts?: Partial<Timeouts>;
  readonly tls?: TlsOptions;
  /** Ends the look early; what was seen until then is the result. */
  readonly signal?: AbortSignal;
}

export interface ProbeResult {
  /** User, password and query masked: they may be secrets. */
  readonly url: string;
  readonly protocol: string;
  readonly stream: string;
  readonly level: Level;
  readonly findings: readonly Finding[];
  readonly facts: StreamFacts;
  readonly counts: StreamCounts;
  readonly outcome: SessionOutcome;
  readonly metrics: readonly MetricSummary[];
}

const sweepMs = 1_000;

/**
 * Looks at one stream through a viewer like all others, for a while, and says what it saw. Never rejects for what a
 * server does: a stream that cannot be reached is a finding.
 * @throws Error with one clear sentence when the URL is of no protocol that can be watched
 */
export async function probeTiming(options: TimingProbeOptions): Promise<ProbeResult> {
  const { url, clock, registry } = options;
  const protocol = protocolOf(url);
  const stream = options.stream ?? streamOf(url);
  const ofStream: Tags = { protocol, stream, probe: 'timing' };
  const ofViewer: Tags = { protocol, stream, cohort: 'probe' };
  const record = (metric: MetricName, value: number): void => registry.series(metric, ofStream).add(value);
  const inspector = new StreamInspector(clock, record);

  const outcome = await new Promise<SessionOutcome>((resolve) => {
    const stop = (): void => viewer.stop();
    let looked: NodeJS.Timeout | undefined;
    const ended = (result: SessionOutcome) => {
      clearInterval(sweeper);
      clearTimeout(looked);
      options.signal?.removeEventListener('abort', stop);
      resolve(result);
    };
    const viewer: Viewer = createViewer({
      url,
      clock,
      player: options.player ?? playerProfiles['mpegts.js'],
      intendedStartMs: clock.nowMs(),
      // A probe reports a loss; it does not paper over it.
      reconnect: null,
      tap: tapOf(inspector),
      observer: observe(registry, ofViewer, ofStream, ended, () => {
        looked = setTimeout(stop, options.forMs);
      }),
      ...(options.timeouts && { timeouts: options.timeouts }),
      ...(options.tls && { tls: options.tls }),
    });
    const sweeper = setInterval(() => {
      const nowMs = clock.nowMs();
      inspector.sweep(nowMs);
      viewer.sweep(nowMs);
      record('probe_up', viewer.state === 'playing' ? 1 : 0);
      registry.cut(clock.wallMs());
    }, sweepMs);
    options.signal?.addEventListener('abort', stop, { once: true });
    if (options.signal?.aborted) stop();
    else viewer.start();
  });
  inspector.finish();
  record('probe_up', outcome.result === 'ended' && outcome.phase === 'after-first-frame' ? 1 : 0);
  registry.cut(clock.wallMs());

  const spanMs = registry.spanMs;
  const findings = diagnose({
    url,
    outcome,
    facts: inspector.facts,
    counts: inspector.counts,
    complaints: inspector.complaints,
    measuredBps: inspector.measuredBps,
    values: (metric) => registry.total(metric, { protocol, stream })?.values(spanMs) ?? null,
  });
  return {
    url: withoutSecrets(url),
    protocol,
    stream,
    level: worst(findings),
    findings,
    facts: inspector.facts,
    counts: inspector.counts,
    outcome,
    metrics: registry.summaries().filter(({ tags }) => tags.stream === stream),
  };
}

function tapOf(inspector: StreamInspector) {
  return {
    headBytes: INSPECTED_HEAD_BYTES,
    head: inspector.head.bind(inspector),
    end: inspector.end.bind(inspector),
  };
}

/** Puts what the viewer reports under the viewers' metrics, as every other viewer's. */
function observe(
  registry: Registry,
  viewer: Tags,
  stream: Tags,
  ended: (outcome: SessionOutcome) => void,
  firstFrame: () => void,
): ViewerObserver {
  const series = (metric: MetricName) => registry.series(metric, viewer);
  const missing = registry.series('frames_missing', stream);
  return {
    connected: (ms) => series('connect_ms').add(ms),
    firstByte: (ms) => series('first_byte_ms').add(ms),
    firstMedia: () => undefined,
    firstFrame: (ms) => {
      series('first_frame_ms').add(ms);
      firstFrame();
    },
    startup: (ms) => series('startup_ms').add(ms),
    joinLag: (ms) => series('join_lag_ms').add(ms),
    latency: (ms) => series('latency_ms').add(ms),
    delivery: (ms) => series('delivery_ms').add(ms),
    stalled: () => undefined,
    stallEnded: () => series('stall_count').add(1),
    reconnected: (ms) => series('reconnect_ms').add(ms),
    progress: ({ bytesReceived, stallMs, watchedMs, frames, framesMissing }) => {
      series('bytes_received').add(bytesReceived);
      series('stall_ratio').add(stallMs, watchedMs);
      if (frames + framesMissing > 0) missing.add(framesMissing, frames + framesMissing);
    },
    ended,
  };
}

/** `live/room-1` of `http://host:8000/live/room-1.flv?sign=…`. */
export function streamOf(url: string): string {
  const path = /^[a-z]+:\/\/[^/]*\/([^?#]*)/i.exec(url)?.[1] ?? '';
  return path.replace(/\.(flv|m3u8)$/, '') || 'stream';
}
