import type { RefusalReason } from './admission.ts';

/** What was turned away or cut off since the start: every loss is counted. */
export interface Counters {
  /** Viewers that read too slowly. */
  evictedViewers: number;
  /** Connections whose bytes made no sense. */
  brokenConnections: number;
  /** Connections that said nothing for too long. */
  silentConnections: number;
  /** Connections beyond the limit. */
  droppedConnections: number;
  refused: Partial<Record<RefusalReason, number>>;
}

export function createCounters(): Counters {
  return {
    evictedViewers: 0,
    brokenConnections: 0,
    silentConnections: 0,
    droppedConnections: 0,
    refused: {},
  };
}

export function countRefusal(counters: Counters, reason: RefusalReason): void {
  counters.refused[reason] = (counters.refused[reason] ?? 0) + 1;
}
