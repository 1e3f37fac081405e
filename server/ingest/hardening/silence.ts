/**
 * Connections that say nothing: before they ask for a stream, and publishers that hang without closing.
 * One timer looks at all of them; viewers need none, they say nothing by nature and are cut off by their backlog.
 */
import type { Logger } from 'pino';
import type { Counters } from './counters.ts';
import type { Peer } from './peer.ts';

export interface SilenceOptions {
  /** How long an RTMP connection may take until it publishes or plays. */
  readonly requestTimeoutMs: number;
  /** How long a publisher may send nothing. */
  readonly publisherIdleMs: number;
}

export class Silence {
  readonly #options: SilenceOptions;
  readonly #counters: Counters;
  readonly #log: Logger;
  /** Since when, and at which count of bytes, a peer has been as it is. */
  readonly #since = new WeakMap<Peer, { ms: number; bytes: number }>();

  constructor(options: SilenceOptions, counters: Counters, log: Logger) {
    this.#options = options;
    this.#counters = counters;
    this.#log = log;
  }

  /** To be called about once a second. @param nowMs monotonic */
  sweep(peers: Iterable<Peer>, nowMs: number): void {
    for (const peer of peers) {
      const limitMs = this.#limitMs(peer);
      if (limitMs === null) continue;
      // What is sent before a stream is asked for does not count: a drip of bytes would keep a connection for ever.
      const bytes = peer.role === 'publisher' ? peer.session.inBytes : 0;
      const since = this.#since.get(peer);
      if (since === undefined || since.bytes !== bytes) this.#since.set(peer, { ms: nowMs, bytes });
      else if (nowMs - since.ms >= limitMs) this.#cut(peer, limitMs);
    }
  }

  #limitMs({ role }: Peer): number | null {
    if (role === 'viewer') return null;
    return role === 'publisher' ? this.#options.publisherIdleMs : this.#options.requestTimeoutMs;
  }

  #cut(peer: Peer, limitMs: number): void {
    this.#counters.silentConnections++;
    const { session, transport, role } = peer;
    this.#log.info(
      { stream: session.streamPath, transport, peer: session.ip, role, limitMs },
      'silent connection closed',
    );
    peer.socket.destroy();
  }
}
