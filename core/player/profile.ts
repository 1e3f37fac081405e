/**
 * Player profiles: how much a real player buffers before it starts, before it goes on after a stall, and what it
 * does when it falls behind the live edge. The virtual playhead plays by these numbers.
 *
 * They are the players' published defaults, with the source beside each number; take a copy with other numbers for a
 * player that is configured differently (`{ ...playerProfiles['mpegts.js'], startBufferMs: 1_000 }`).
 */
export interface PlayerProfile {
  readonly name: string;
  /** The playhead starts when this much media lies ahead of it. 0: with the first decodable picture. */
  readonly startBufferMs: number;
  /** After a stall the playhead goes on when this much media lies ahead of it. 0: with the next frame. */
  readonly resumeBufferMs: number;
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
  /** `seek`: jumps at once, the media between is never shown. `rate`: plays faster for a while. */
  readonly how: 'seek' | 'rate';
  /** Speed while catching up (1.1: 10 % faster). 1 for `seek`. */
  readonly rate: number;
}

export const playerProfiles: Readonly<
  Record<'mpegts.js' | 'hls.js' | 'ffplay-nobuffer' | 'webrtc' | 'plain', PlayerProfile>
> = {
  /**
   * mpegts.js 1.8 as its own demo page plays a live stream: `isLive`, `liveBufferLatencyChasing` with
   * `liveBufferLatencyMaxLatency: 1.5` and `liveBufferLatencyMinRemain: 0.5` (docs/api.md), which seeks.
   * `enableStashBuffer` gathers bytes up to `stashInitialSize`, which for a live stream is 64 KiB of network, not a
   * time, and Chromium begins an MSE element as soon as `HAVE_FUTURE_DATA` holds: one frame past the first.
   */
  'mpegts.js': {
    name: 'mpegts.js',
    startBufferMs: 0,
    resumeBufferMs: 0,
    minStallMs: 100,
    catchUp: { whenBehindMs: 1_500, targetMs: 500, how: 'seek', rate: 1 },
  },
  /**
   * hls.js 1.7 (docs/API.md): starts once the first fragment is buffered, goes on after a stall likewise
   * (`HAVE_FUTURE_DATA`); `liveMaxLatencyDuration` is unset by default and `maxLiveSyncPlaybackRate` is 1, so that
   * it never catches up. Its own `bufferStalledError` needs 1,250 ms: `stall_count_player`.
   */
  'hls.js': { name: 'hls.js', startBufferMs: 0, resumeBufferMs: 0, minStallMs: 100, catchUp: null },
  /** `ffplay -fflags nobuffer -flags low_delay`: shows what comes when it comes, never catches up (`-framedrop` only drops late pictures). */
  'ffplay-nobuffer': {
    name: 'ffplay-nobuffer',
    startBufferMs: 0,
    resumeBufferMs: 0,
    minStallMs: 100,
    catchUp: null,
  },
  /** libwebrtc: a jitter buffer of some 50 ms on a good link, catches up by playing faster (NetEq: time stretching by some 10 %). */
  webrtc: {
    name: 'webrtc',
    startBufferMs: 0,
    resumeBufferMs: 0,
    minStallMs: 100,
    catchUp: { whenBehindMs: 200, targetMs: 50, how: 'rate', rate: 1.1 },
  },
  /** A cautious player with round numbers, for comparing servers and not players: one second before starting and after a stall. */
  plain: { name: 'plain', startBufferMs: 1_000, resumeBufferMs: 1_000, minStallMs: 100, catchUp: null },
};

export type PlayerName = keyof typeof playerProfiles;
