/** What the transcoder tells of itself; counters are since its start. */
export interface TranscodeStats {
  readonly encoder: string;
  /** Why no ladder can run at all (ffmpeg or the encoder is missing): one sentence; null: nothing is in the way. */
  readonly problem: string | null;
  /** Ladders that were not started for want of CPU; each stream counts once. */
  readonly refused: number;
  /** Ladders that died and were started anew. */
  readonly restarts: number;
  readonly ladders: readonly LadderStats[];
}

/**
 * `starting`: the source is looked at, or ffmpeg is on its way; `waiting`: it died and will be started anew;
 * `refused`: for want of CPU, until there is room; `idle`: there is nothing to do for this source (`reason` says why).
 */
export type LadderState = 'starting' | 'running' | 'waiting' | 'refused' | 'idle';

export interface LadderStats {
  /** The source, which is the top rung as it is: `live/room`. */
  readonly stream: string;
  readonly state: LadderState;
  /** Why it is in that state, where that needs saying. */
  readonly reason: string | null;
  readonly source: { readonly width: number; readonly height: number; readonly fps: number | null } | null;
  readonly rungs: readonly RungStats[];
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[];
  /** Of ffmpeg; null while there is none. */
  readonly pid: number | null;
  /** How long this ffmpeg has run. */
  readonly runMs: number;
  readonly restarts: number;
  /** Media seconds per second over the last ten; null: too early to say. */
  readonly speed: number | null;
  /** It stayed below 0.9 for longer than `transcode.slowAfterMs`. */
  readonly slow: boolean;
  /** Of the first rung, as ffmpeg averages it. */
  readonly fps: number;
  readonly frames: number;
  /** Of all rungs together; what a rung's lower `fps` leaves out is among them. */
  readonly droppedFrames: number;
  readonly duplicatedFrames: number;
  /** What ffmpeg has not taken yet. */
  readonly waitingBytes: number;
}

export interface RungStats {
  readonly name: string;
  /** Where it is played: `live/room_720p`. */
  readonly stream: string;
  /** null: sound only. */
  readonly width: number | null;
  readonly height: number | null;
  /** Bits per second that were asked for; null: the source's own. */
  readonly videoBitrate: number | null;
}
