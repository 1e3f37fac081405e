/**
 * Viewers of one WS-FLV stream, for k6 2.x: `k6 run -e URL=ws://host:8000/live/room-1.flv scenarios/k6/ws-flv.ts`
 *
 * Each VU is one viewer for the whole DURATION. What it measures and how it is called is the same as in Streamgauge's
 * own fleet, because the FLV reader, the stamp and the player model are the fleet's (docs/k6.md).
 *
 * | Variable        | Default     |                                                        |
 * | URL             |             | wanted: ws:// or wss://, any server's WS-FLV           |
 * | VUS             | 1           | viewers                                                |
 * | DURATION        | 30s         | how long each watches: 500ms, 30s, 5m                  |
 * | PLAYER          | mpegts.js   | player profile: mpegts.js hls.js ffplay-nobuffer plain |
 * | FIRST_FRAME_P95 | 3000        | threshold, ms                                          |
 * | LATENCY_P95     | 5000        | threshold, ms; only for stamped streams                |
 */
import { Counter, Gauge, Rate, Trend } from 'k6/metrics';
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'k6/timers';
import { WebSocket } from 'k6/websockets';
import { FlvReader } from '../../core/flv/reader.ts';
import { METER_HEAD_BYTES, SessionMeter } from '../../core/player/session-meter.ts';
import type { MetricName, Reason } from '../../metrics/catalogue.ts';
import { readSettings } from './settings.ts';

const settings = readSettings(__ENV);
const tags = { protocol: 'ws-flv', stream: settings.stream };

// Names of the catalogue; `true`: k6 shows them as times.
const trend = (name: MetricName): Trend => new Trend(name, true);
const connectMs = trend('connect_ms');
const firstByteMs = trend('first_byte_ms');
const firstFrameMs = trend('first_frame_ms');
const startupMs = trend('startup_ms');
const joinLagMs = trend('join_lag_ms');
const latencyMs = trend('latency_ms');
const deliveryMs = trend('delivery_ms');

const counter = (name: MetricName): Counter => new Counter(name);
const stallCount = counter('stall_count');
const stallCountPlayer = counter('stall_count_player');
const stallMs = counter('stall_ms');
const watchedMs = counter('watched_ms');
const bytesReceived = counter('bytes_received');
const sessionsStarted = counter('sessions_started');
const sessionsPlaying = counter('sessions_playing');
const sessionsEnded = counter('sessions_ended');
const sessionsFailed = counter('sessions_failed');

const startFailureRatio = new Rate('start_failure_ratio' satisfies MetricName);
const receivedBps = new Gauge('received_bps' satisfies MetricName);

export const options = {
  scenarios: {
    viewers: {
      executor: 'per-vu-iterations',
      vus: settings.vus,
      iterations: 1,
      // A viewer ends itself; this only ends one that hangs.
      maxDuration: `${Math.ceil(settings.durationMs / 1_000) + 30}s`,
    },
  },
  thresholds: {
    first_frame_ms: [`p(95)<${settings.firstFrameP95Ms}`],
    latency_ms: [`p(95)<${settings.latencyP95Ms}`],
    start_failure_ratio: ['rate<0.01'],
  },
};

/** One viewer. k6 keeps the iteration alive while the socket is open and timers are set. */
export default function watch(): void {
  // k6 has no monotonic clock: a step of the machine's clock during a run shows up in the figures.
  const startMs = Date.now();
  let bytes = 0;
  let sweptBytes = 0;
  let over = false;

  const meter = new SessionMeter(settings.player, startMs, {
    firstMedia() {},
    firstFrame(ms) {
      firstFrameMs.add(ms, tags);
      startFailureRatio.add(false, tags);
      sessionsPlaying.add(1, tags);
    },
    startup: (ms) => startupMs.add(ms, tags),
    joinLag: (ms) => joinLagMs.add(ms, tags),
    latency: (ms) => latencyMs.add(ms, tags),
    delivery: (ms) => deliveryMs.add(ms, tags),
    stalled() {},
    stallEnded() {},
  });
  const reader = new FlvReader(meter, {
    headBytes: METER_HEAD_BYTES,
    header: (hasAudio, hasVideo) => meter.announced(hasAudio, hasVideo),
  });

  sessionsStarted.add(1, tags);
  const socket = new WebSocket(settings.url);
  socket.binaryType = 'arraybuffer';

  /** The session is over: `reason` null when the viewer left by itself. */
  const finish = (reason: Reason | null, detail: string): void => {
    if (over) return;
    over = true;
    clearInterval(sweeper);
    clearTimeout(leave);
    const nowMs = Date.now();
    meter.finish(nowMs);
    const figures = meter.figures();
    stallCount.add(figures.stallCount, tags);
    stallCountPlayer.add(figures.stallCountPlayer, tags);
    stallMs.add(figures.stallMs, tags);
    watchedMs.add(nowMs - startMs, tags);
    if (reason === null && meter.hasFirstFrame) sessionsEnded.add(1, tags);
    else {
      sessionsFailed.add(1, { ...tags, reason: reason ?? 'no-media' });
      if (!meter.hasFirstFrame) startFailureRatio.add(true, tags);
      console.error(`viewer of ${settings.shown} failed (${reason ?? 'no-media'}): ${detail}`);
    }
    socket.close();
  };

  socket.onopen = () => connectMs.add(Date.now() - startMs, tags);
  socket.onmessage = ({ data }) => {
    if (over) return;
    if (typeof data === 'string') return finish('bad-response', 'text instead of binary messages came');
    const nowMs = Date.now();
    if (bytes === 0) firstByteMs.add(nowMs - startMs, tags);
    bytes += data.byteLength;
    bytesReceived.add(data.byteLength, tags);
    meter.arrive(nowMs, nowMs);
    try {
      reader.push(new Uint8Array(data));
    } catch (error) {
      finish('bad-media', error instanceof Error ? error.message : String(error));
    }
  };
  socket.onerror = ({ error }) => finish(reasonOf(error), error);
  socket.onclose = () => finish('closed', 'the server closed the connection');

  const sweeper = setInterval(() => {
    const nowMs = Date.now();
    meter.sweep(nowMs, nowMs);
    receivedBps.add((bytes - sweptBytes) * 8, tags);
    sweptBytes = bytes;
  }, 1_000);
  const leave = setTimeout(() => finish(null, 'no picture came'), settings.durationMs);
}

/** k6 gives the Go library's words, and of a refused upgrade no status. */
function reasonOf(error: string): Reason {
  if (/refused/.test(error)) return 'refused';
  if (/no such host|lookup/.test(error)) return 'dns';
  if (/bad handshake/.test(error)) return 'bad-response';
  if (/timeout/.test(error)) return 'connect-timeout';
  if (/tls|x509|certificate/.test(error)) return 'tls';
  if (/reset/.test(error)) return 'reset';
  return 'closed';
}
