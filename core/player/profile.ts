/**
 * Player profiles: how much a real player buffers before it starts, before it goes on after a stall, and what it
 * does when it falls behind the live edge. The virtual playhead plays by these numbers.
 *
 * They are the players' own defaults, with the source beside each; take a copy with other numbers for a player that is
 * configured differently (`{ ...playerProfiles['mpegts.js'], catchUp: … }`).
 */
export interface PlayerProfile {
  readonly name: string;
  /** The playhead starts when this much media lies ahead of it. 0: with the first decodable picture. */
  readonly startBufferMs: number;
  /** After a stall the playhead goes on when this much media lies ahead of it. 0: with the next frame. */
  readonly resumeBufferMs: number;
  /** Each time the playhead runs dry the resume buffer doubles, up to this. Equal to `resumeBufferMs`: it never grows. */
  readonly resumeBufferMaxMs: number;
  /** A gap in playing that is shorter than this is not a stall (nobody sees it). */
  readonly minStallMs: 100;
  /** What the player does when it has fallen behind the live edge; `null`: nothing, it stays behind for ever. */
  readonly catchUp: CatchUp | null;
}

export interface CatchUp {
  /** It acts when more media than this lies ahead of the playhead … */
  readonly whenBehindMs: number;
  /** … and stops when this much is left. */
  readonly targetMs: number;
  /** `seek`: jumps at once, what lies between is never shown. `rate`: plays faster for a while. */
  readonly how: 'seek' | 'rate';
  /** Speed while catching up (1.1: 10 % faster). 1 for `seek`. */
  readonly rate: number;
}

/**
 * What Chromium's media pipeline does under every MSE player: it plays once 200 ms of sound are decoded, and after
 * each underflow wants twice as much as before, up to 3 s (media/filters/audio_renderer_algorithm.cc:
 * kStartingCapacity, IncreasePlaybackThreshold, kMaxCapacity).
 */
const chromium = {
  startBufferMs: 200,
  resumeBufferMs: 400,
  resumeBufferMaxMs: 3_000,
  minStallMs: 100,
} as const;

export const playerProfiles: Readonly<Record<PlayerName, PlayerProfile>> = {
  /**
   * mpegts.js 1.8 for a live stream with its defaults (src/config.js): `liveBufferLatencyChasing` and `liveSync`
   * are off, so it never catches up. With chasing on its numbers are
   * `{ whenBehindMs: 1_500, targetMs: 500, how: 'seek', rate: 1 }`, with live sync
   * `{ whenBehindMs: 1_200, targetMs: 800, how: 'rate', rate: 1.2 }`.
   */
  'mpegts.js': { name: 'mpegts.js', ...chromium, catchUp: null },
  /**
   * hls.js 1.7 with its defaults (its API.md): `maxLiveSyncPlaybackRate` is 1 and `liveMaxLatencyDurationCount`
   * infinite, so it never catches up. It reports stalls of 1,250 ms and more: `stall_count_player`.
   */
  'hls.js': { name: 'hls.js', ...chromium, catchUp: null },
  /**
   * `ffplay -fflags nobuffer -flags low_delay`: no start buffer, no rebuffering: it shows what comes when it comes.
   * Its clock is the sound's; it neither skips nor speeds up to get back to the live edge.
   */
  'ffplay-nobuffer': {
    name: 'ffplay-nobuffer',
    startBufferMs: 0,
    resumeBufferMs: 0,
    resumeBufferMaxMs: 0,
    minStallMs: 100,
    catchUp: null,
  },
  /**
   * libwebrtc: NetEq starts at a delay of 80 ms (delay_manager.cc, kStartDelayMs) and shortens a fuller buffer by
   * time stretching (accelerate), which is about a tenth.
   */
  webrtc: {
    name: 'webrtc',
    startBufferMs: 80,
    resumeBufferMs: 80,
    resumeBufferMaxMs: 80,
    minStallMs: 100,
    catchUp: { whenBehindMs: 160, targetMs: 80, how: 'rate', rate: 1.1 },
  },
  /** No real player: one second before starting and after a stall. Round numbers for comparing servers. */
  plain: {
    name: 'plain',
    startBufferMs: 1_000,
    resumeBufferMs: 1_000,
    resumeBufferMaxMs: 1_000,
    minStallMs: 100,
    catchUp: null,
  },
};

export type PlayerName = 'mpegts.js' | 'hls.js' | 'ffplay-nobuffer' | 'webrtc' | 'plain';
