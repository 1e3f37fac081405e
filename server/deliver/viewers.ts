/**
 * Who watches by HLS. There is no session in HLS: a viewer is a connection that asked for a media playlist not long ago.
 */
import type { Socket } from 'node:net';

export interface HlsViewer {
  /** `live/room`, or the rung. */
  stream: string;
  readonly address: string;
  readonly sinceWallMs: number;
  lastMs: number;
  requests: number;
}

export class HlsViewers {
  readonly #viewers = new Map<Socket, HlsViewer>();
  readonly #idleMs: number;

  /** @param idleMs without a playlist request it is none any more */
  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  note(socket: Socket, stream: string, nowMs: number, wallMs: number): void {
    const known = this.#viewers.get(socket);
    if (known) {
      known.stream = stream;
      known.lastMs = nowMs;
      known.requests++;
      return;
    }
    if (socket.destroyed) return;
    const address = socket.remoteAddress ?? '';
    this.#viewers.set(socket, { stream, address, sinceWallMs: wallMs, lastMs: nowMs, requests: 1 });
    socket.once('close', () => this.#viewers.delete(socket));
  }

  list(nowMs: number): HlsViewer[] {
    return [...this.#viewers.values()].filter(({ lastMs }) => nowMs - lastMs <= this.#idleMs);
  }
}
