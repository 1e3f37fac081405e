/**
 * Every metric of the product, once: name, type, unit, help and the tags it may have.
 *
 * Documents, dashboards, alert rules, thresholds and sinks take their words from here. The types:
 * - `trend`   many samples a second, kept as a histogram (durations, scores)
 * - `counter` a sum of increments (events, bytes, milliseconds spent)
 * - `gauge`   a state that is sampled (a rate, a level, 0/1); the last value, with min, mean and max of the samples
 * - `ratio`   a ratio of two sums, never a mean of ratios
 */

export type MetricType = 'trend' | 'counter' | 'gauge' | 'ratio';

/** The closed list of tags. None is unbounded: never a viewer's number, a URL or a time. */
export const tagNames = [
  'protocol',
  'stream',
  'rendition',
  'cohort',
  'probe',
  'node',
  'reason',
  'publisher',
  'scenario',
  'run',
] as const;
export type TagName = (typeof tagNames)[number];
export type Tags = { readonly [name in TagName]?: string };

/** Why a session failed: the closed list of values of `reason` on session metrics. */
export const reasons = [
  'refused',
  'connect-timeout',
  'dns',
  'reset',
  'tls',
  'auth',
  'not-found',
  'http-4xx',
  'http-5xx',
  'http-redirect',
  'no-media',
  'no-key-frame',
  'bad-media',
  'too-slow',
  'publisher-gone',
  'closed',
  'rtmp-refused',
  'bad-response',
  'first-byte-timeout',
  'generator-limit',
] as const;
export type Reason = (typeof reasons)[number];

/** Values of `reason` on `hls_violations`. */
export const hlsViolations = [
  'sequence-regress',
  'segment-too-long',
  'endlist-on-live',
  'discontinuity-sequence',
  'segment-missing',
  'no-key-frame-at-start',
  'variants-adrift',
  'malformed',
] as const;

/** Values of `reason` on `ts_violations` (TR 101 290, priorities 1 and 2). */
export const tsViolations = [
  'sync',
  'continuity',
  'pat-gap',
  'pmt-gap',
  'pcr-gap',
  'pts-gap',
  'malformed',
] as const;

/** The number that the `codec` gauge shows for each video codec, because a gauge cannot hold a word. */
export const codecNumbers = { unknown: 0, h264: 1, h265: 2, vp9: 3, av1: 4, vp8: 5 } as const;

/** Who is measured: the chapters of the documentation. */
export type MetricSubject = 'viewer' | 'publisher' | 'stream' | 'target' | 'generator';

interface Definition {
  readonly subject: MetricSubject;
  readonly type: MetricType;
  /** `ms`, `bit/s`, `bytes`, `frames`, `px`, `dB`, `LUFS`, `ratio` (0–1), `score` (0–100), or '' for a plain number. */
  readonly unit: string;
  readonly help: string;
  readonly tags: readonly TagName[];
  /** Of a ratio only: what is summed above and below the line. A metric's name where there is one. */
  readonly numerator?: string;
  readonly denominator?: string;
}

const everywhere = ['node', 'scenario', 'run'] as const;
const ofViewer = ['protocol', 'stream', 'rendition', 'cohort', ...everywhere] as const;
const ofPublisher = ['protocol', 'stream', 'publisher', 'cohort', ...everywhere] as const;
const ofStream = ['protocol', 'stream', 'rendition', 'probe', ...everywhere] as const;

type Describe = (type: MetricType, unit: string, help: string, extraTag?: TagName) => Definition;
const describe =
  (subject: MetricSubject, tags: readonly TagName[]): Describe =>
  (type, unit, help, extraTag) => ({
    subject,
    type,
    unit,
    help,
    tags: extraTag ? [...tags, extraTag] : tags,
  });
const ratioOf =
  (subject: MetricSubject, tags: readonly TagName[]) =>
  (numerator: string, denominator: string, help: string): Definition => ({
    subject,
    type: 'ratio',
    unit: 'ratio',
    help,
    tags,
    numerator,
    denominator,
  });

const viewer = describe('viewer', ofViewer);
const viewerRatio = ratioOf('viewer', ofViewer);
const publisher = describe('publisher', ofPublisher);
const stream = describe('stream', ofStream);
const streamRatio = ratioOf('stream', ofStream);
const target = describe('target', everywhere);
const generator = describe('generator', everywhere);
const generatorRatio = ratioOf('generator', everywhere);

const definitions = {
  // A viewer's session.
  connect_ms: viewer('trend', 'ms', 'Intended start to transport, TLS and protocol handshake ready.'),
  idle_tolerated_ms: viewer(
    'trend',
    'ms',
    'How long the server held a connection on which nothing was said, of those that it closed (behaviour idle).',
  ),
  first_byte_ms: viewer('trend', 'ms', 'Intended start to the first byte of the answer.'),
  first_frame_ms: viewer(
    'trend',
    'ms',
    'Intended start to the last byte of the first decodable key picture. Sessions that never got there are failures and not in it.',
  ),
  startup_ms: viewer(
    'trend',
    'ms',
    "Intended start to the playhead's start, by the player profile's start-up rule.",
  ),
  join_lag_ms: viewer(
    'trend',
    'ms',
    'Glass-to-glass latency of the first frame shown. A cached GOP makes it larger than the steady latency.',
  ),
  latency_ms: viewer(
    'trend',
    'ms',
    'Glass to glass: now minus the capture time of the frame at the playhead, once a second per session while playing.',
  ),
  delivery_ms: viewer('trend', 'ms', 'Arrival of a stamped frame minus its capture time.'),
  latency_uncertainty_ms: viewer(
    'gauge',
    'ms',
    'Bound of the clock offset plus one frame interval plus event-loop lag: goes with every latency figure.',
  ),
  stall_count: viewer('counter', '', 'Stalls of at least 100 ms after start-up, seeks not counted.'),
  stall_count_player: viewer('counter', '', 'Stalls of at least 1,250 ms: those that hls.js would report.'),
  stall_ms: viewer('counter', 'ms', 'Time without a picture in stalls.'),
  watched_ms: viewer(
    'counter',
    'ms',
    'Intended start to the end of the session, start-up and stalls included.',
  ),
  stall_ratio: viewerRatio(
    'stall_ms',
    'watched_ms',
    'Share of the watched time spent in stalls: a ratio of sums.',
  ),
  rebuffer_ratio_conviva: viewerRatio(
    'stall_ms',
    'playing and stalled ms',
    "Share of stalls in playing and stalled time: Conviva's convention.",
  ),
  received_bps: viewer('gauge', 'bit/s', 'Bits on the wire over one second, per viewer.'),
  media_bps: viewer('gauge', 'bit/s', 'Played bits over played media time, per viewer.'),
  bytes_received: viewer('counter', 'bytes', 'Bytes received by viewers.'),
  viewers: viewer('gauge', '', 'Viewers whose session is under way: started, neither ended nor failed.'),
  sessions_started: viewer('counter', '', 'Sessions started.'),
  sessions_playing: viewer('counter', '', 'Sessions that reached their first frame and began to play.'),
  sessions_ended: viewer('counter', '', 'Sessions that ended without an error.', 'reason'),
  sessions_failed: viewer('counter', '', 'Sessions that failed, by reason.', 'reason'),
  start_failure_ratio: viewerRatio(
    'sessions failed before the first frame',
    'sessions_started',
    'Video start failures (VSF): failed before the first frame.',
  ),
  exit_before_start_ratio: viewerRatio(
    'sessions ended before the first frame',
    'sessions_started',
    'Exits before video start (EBVS): left before the first frame with no error.',
  ),
  play_failure_ratio: viewerRatio(
    'sessions failed after the first frame',
    'sessions_started',
    'Video playback failures (VPF): failed after the first frame.',
  ),
  reconnect_ms: viewer('trend', 'ms', 'Loss of media to playing again after a reconnect.'),
  rendition_switches: viewer('counter', '', 'Changes of rendition by adaptive bitrate.'),
  rendition_bps: viewer('gauge', 'bit/s', 'Declared bitrate of the rendition that was chosen.'),
  playlist_age_ms: viewer('trend', 'ms', 'HLS: age of the newest change of the playlist.'),
  segment_ttfb_ms: viewer('trend', 'ms', 'HLS: request of a segment to its first byte.'),
  segment_download_ratio: viewer(
    'trend',
    'ratio',
    'HLS: download time of a segment over its media duration.',
  ),
  qoe_score: viewer(
    'trend',
    'score',
    'Open quality score, 0–100: the product of the start-up, smoothness and success scores.',
  ),

  // A publisher.
  publish_connect_ms: publisher('trend', 'ms', 'Start of the connection to permission to publish.'),
  publish_up: publisher('gauge', '', '1 while the publisher is connected and sending, else 0.'),
  publish_bps: publisher('gauge', 'bit/s', 'Bits sent over one second.'),
  publish_fps: publisher('gauge', 'frames/s', 'Video frames sent over one second.'),
  publish_queue_ms: publisher('gauge', 'ms', 'How far sending is behind capture.'),
  publish_reconnects: publisher('counter', '', 'Times that the publisher had to connect again.'),
  encoder_fps: publisher('gauge', 'frames/s', 'Frames that the encoder delivered over one second.'),
  encoder_speed: publisher('gauge', '', "Encoder's speed against real time; below 1 it cannot keep up."),
  frames_sent: publisher('counter', 'frames', 'Video frames sent.'),

  // A stream, looked at by a probe.
  probe_up: stream(
    'gauge',
    '',
    '1 while the probe gets the stream, else 0; written at every interval. Silence means that the monitor is blind.',
  ),
  fps: stream('gauge', 'frames/s', 'Video frames over one second.'),
  gop_ms: stream('trend', 'ms', 'Media time from key frame to key frame.'),
  keyframe_interval_ms: stream('trend', 'ms', 'Arrival time from key frame to key frame.'),
  width: stream('gauge', 'px', 'Width of the picture.'),
  height: stream('gauge', 'px', 'Height of the picture.'),
  codec: stream('gauge', '', 'Video codec: 1 H.264, 2 H.265, 3 VP9, 4 AV1, 5 VP8, 0 unknown.'),
  frames_missing: streamRatio(
    'frames missing',
    'frames expected',
    'Frames missing, from the numbers in the stamps.',
  ),
  timestamp_backwards: stream('counter', '', 'Timestamps that went backwards.'),
  timestamp_gap_ms: stream(
    'trend',
    'ms',
    'Gaps between neighbouring timestamps that are longer than they should be.',
  ),
  av_offset_ms: stream(
    'trend',
    'ms',
    'Audio against video at arrival; positive means that the audio is early.',
  ),
  declared_bitrate_error: stream(
    'gauge',
    'ratio',
    'Measured bitrate against the declared one, as a share of the declared.',
  ),
  pdt_skew_ms: stream('trend', 'ms', 'EXT-X-PROGRAM-DATE-TIME against the stamp.'),
  playlist_stale_ms: stream('gauge', 'ms', 'Time since the playlist last changed.'),
  hls_violations: stream(
    'counter',
    '',
    'Breaches of RFC 8216 in playlists and segments, by reason.',
    'reason',
  ),
  ts_violations: stream(
    'counter',
    '',
    'Breaches of TR 101 290 priority 1 and 2 in MPEG-TS, by reason.',
    'reason',
  ),
  black_ms: stream('gauge', 'ms', 'Length of the black picture that is under way; 0 when there is none.'),
  freeze_ms: stream('gauge', 'ms', 'Length of the frozen picture that is under way; 0 when there is none.'),
  silence_ms: stream('gauge', 'ms', 'Length of the silence that is under way; 0 when there is none.'),
  loudness_lufs: stream('gauge', 'LUFS', 'Short-term loudness (EBU R 128).'),
  psnr_db: stream('trend', 'dB', 'PSNR of a rendition against its source, aligned by stamp.'),
  ssim: stream('trend', 'ratio', 'SSIM of a rendition against its source, aligned by stamp.'),
  vmaf: stream('trend', 'score', 'VMAF of a rendition against its source, where ffmpeg has it.'),
  av_sync_visual_ms: stream('trend', 'ms', 'Audio against video, from the decoded picture and sound.'),
  latency_visual_ms: stream(
    'trend',
    'ms',
    'Glass to glass, from the cells in a decoded picture or a real browser.',
  ),

  // The server under test, about itself.
  target_cpu: target(
    'gauge',
    'ratio',
    'CPU time of the target over wall time, all its processes together; 1 is one core.',
  ),
  target_rss_bytes: target(
    'gauge',
    'bytes',
    'Resident memory of the target, all its processes together; shared pages count in each.',
  ),
  target_threads: target('gauge', '', 'Threads of the target.'),
  target_fds: target('gauge', '', 'Open file descriptors of the target.'),
  target_fd_used_ratio: target(
    'gauge',
    'ratio',
    'Open file descriptors of the target over their limit, of the process that is nearest to it.',
  ),
  target_sockets: target(
    'gauge',
    '',
    'Connections to the target: established ones on the TCP ports that it listens on, or what it says itself.',
  ),
  target_sent_bps: target(
    'gauge',
    'bit/s',
    'Bits that the target sent and its peers acknowledged, TCP payload.',
  ),
  target_received_bps: target('gauge', 'bit/s', 'Bits that the target received, TCP payload.'),

  // The generator, about itself.
  generator_cpu: generator('gauge', 'ratio', 'CPU time of a worker over wall time; 1 is one core.'),
  event_loop_lag_ms: generator('trend', 'ms', 'Delay of the event loop; its p99 is what is judged.'),
  dropped_starts: generator('counter', '', 'Sessions that could not be started when the schedule said.'),
  socket_backlog: generator(
    'gauge',
    'bytes',
    'Bytes that wait to be read in the sockets of this machine that are connected to the servers watched.',
  ),
  expected_bytes_ratio: generatorRatio(
    'bytes received by playing viewers',
    'bytes expected',
    "What viewers received while they played, over what their streams offered then: the rate of this run's publishers, else that of the media.",
  ),
  fd_used_ratio: generator('gauge', 'ratio', 'Open file descriptors of the generator over their limit.'),
  clock_offset_ms: generator(
    'gauge',
    'ms',
    'Local clock minus the reference clock: 0 where this run publishes, else from chrony or an NTP server; not there where it is not known.',
  ),
} satisfies Record<string, Definition>;

export type MetricName = keyof typeof definitions;

export interface Metric extends Definition {
  readonly name: MetricName;
}

const byName = new Map<string, Metric>(
  Object.entries<Definition>(definitions).map(([name, definition]) => [
    name,
    { name: name as MetricName, ...definition },
  ]),
);

/** All metrics in the order of the documentation. */
export const catalogue: readonly Metric[] = [...byName.values()];

/** The definition of a metric; null for a name that is not in the catalogue. */
export function findMetric(name: string): Metric | null {
  return byName.get(name) ?? null;
}

/** The definition of a metric that is known to exist. */
export function metricOf(name: MetricName): Metric {
  return byName.get(name)!;
}
