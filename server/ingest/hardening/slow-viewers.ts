/**
 * Defect 2: node-media-server buffers without bound for a viewer that does not read.
 *
 * A viewer whose backlog is over the limit is cut off, not skipped over: a stream with holes is worth less to a
 * player than a clean failure that it can answer by reconnecting.
 */
import type { Logger } from 'pino';
import type { Counters } from './counters.ts';
import type { Peer } from './peer.ts';

export class SlowViewers {
  readonly #maxBacklogBytes: number;
  readonly #counters: Counters;
  readonly #log: Logger;

  constructor(maxBacklogBytes: number, counters: Counters, log: Logger) {
    this.#maxBacklogBytes = maxBacklogBytes;
    this.#counters = counters;
    this.#log = log;
  }

  /** Cuts the viewer off when it is too far behind. To be asked before each write: that makes the limit hold. */
  evicts(viewer: Peer): boolean {
    const backlogBytes = viewer.backlogBytes();
    if (backlogBytes <= this.#maxBacklogBytes) return false;
    this.#counters.evictedViewers++;
    const { session, transport } = viewer;
    this.#log.warn(
      { stream: session.streamPath, transport, peer: session.ip, backlogBytes },
      'viewer evicted: it reads too slowly',
    );
    viewer.socket.destroy();
    return true;
  }
}
