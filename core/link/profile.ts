/** What the network between a viewer and everything else is like. Plain data: it crosses thread borders. */
export interface LinkProfile {
  /** Bits per second of payload (TCP's content; headers are not counted). `null`: as fast as the machine. */
  readonly downBps: number | null;
  readonly upBps: number | null;
  /** One way, in each direction: a round trip takes twice as long. */
  readonly delayMs: number;
  /** The delay varies by so much up and down, evenly spread; at most `delayMs`. */
  readonly jitterMs: number;
  readonly cuts: readonly LinkCut[];
  /** The bandwidth down over time, instead of `downBps`. */
  readonly trace: LinkTrace | null;
}

export interface LinkCut {
  readonly when: OneCut | RepeatedCut;
  /** For so long nothing passes in either direction. */
  readonly forMs: number;
  /** `silence`: then all goes on where it was, as TCP does after lost packets. `reset`: it begins with every connection broken. */
  readonly kind: 'silence' | 'reset';
}

/** From the session's start. */
interface OneCut {
  readonly atMs: number;
}

/** Each viewer's first cut comes at a moment of its own between 0 and `everyMs`, drawn from its seed. */
interface RepeatedCut {
  readonly everyMs: number;
}

/** Bandwidth over time: step i holds from `startsMs[i]` to the next one's start, the last to `periodMs`; then all over again. */
export interface LinkTrace {
  /** Rising, the first is 0. */
  readonly startsMs: readonly number[];
  /** Bits per second, 0 or more; more than 0 in one step at least. */
  readonly bps: readonly number[];
  readonly periodMs: number;
}

export const unlimited: LinkProfile = {
  downBps: null,
  upBps: null,
  delayMs: 0,
  jitterMs: 0,
  cuts: [],
  trace: null,
};
