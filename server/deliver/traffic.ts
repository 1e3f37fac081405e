export const requestKinds = [
  'multivariant',
  'playlist',
  'playlist-blocking',
  'segment',
  'part',
  'init',
  'key',
] as const;
export type RequestKind = (typeof requestKinds)[number];

/** What was asked for and sent, since the start. */
export class Traffic {
  readonly requests: Record<RequestKind, number> = {
    multivariant: 0,
    playlist: 0,
    'playlist-blocking': 0,
    segment: 0,
    part: 0,
    init: 0,
    key: 0,
  };
  /** By reason; reasons are a fixed set, never what a client said. */
  readonly refusals: Record<string, number> = {};
  bytesOut = 0;

  count(kind: RequestKind): void {
    this.requests[kind]++;
  }

  refused(reason: string): void {
    this.refusals[reason] = (this.refusals[reason] ?? 0) + 1;
  }

  sent(bytes: number): void {
    this.bytesOut += bytes;
  }
}
