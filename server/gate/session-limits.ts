/**
 * Viewers of a protocol without connections (HLS): one is there from its first request until it has asked for nothing
 * for a while. Counted by whatever key tells sessions apart: a cookie, or else address and user agent.
 */
import type { LimitFault, Limits } from './limits.ts';

export interface SessionLimitsOptions {
  /** A session that asked for nothing for so long has gone: three target durations are usual. */
  readonly windowMs: number;
  /** More sessions than this are not kept: one more is `server-full`. */
  readonly maxSessions: number;
}

interface Session {
  lastMs: number;
  readonly release: () => void;
}

export class SessionLimits {
  readonly #limits: Limits;
  readonly #options: SessionLimitsOptions;
  /** In the order of their last request: who may have gone stands first. */
  readonly #sessions = new Map<string, Session>();

  constructor(limits: Limits, options: SessionLimitsOptions) {
    this.#limits = limits;
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * A request came. Who is in stays in whatever the limits say.
   * @param sessionKey of the viewer alone; the same viewer on another stream is another session
   * @param streamPath `/app/name` of the source, whatever the rung
   * @param nowMs monotonic
   */
  seen(
    sessionKey: string,
    streamPath: string,
    address: string | undefined,
    nowMs: number,
  ): LimitFault | null {
    this.sweep(nowMs);
    const key = `${streamPath} ${sessionKey}`;
    const known = this.#sessions.get(key);
    if (known !== undefined) {
      known.lastMs = nowMs;
      this.#sessions.delete(key);
      this.#sessions.set(key, known);
      return null;
    }
    if (this.#sessions.size >= this.#options.maxSessions) return 'server-full';
    const fault = this.#limits.fault('play', streamPath, address);
    if (fault !== null) return fault;
    this.#sessions.set(key, { lastMs: nowMs, release: this.#limits.take('play', streamPath, address) });
    return null;
  }

  /** Lets those go that have been silent too long; `seen` does it too, so it is only needed for true counts. */
  sweep(nowMs: number): void {
    for (const [key, { lastMs, release }] of this.#sessions) {
      if (nowMs - lastMs < this.#options.windowMs) break;
      this.#sessions.delete(key);
      release();
    }
  }
}
