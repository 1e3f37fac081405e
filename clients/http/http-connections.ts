import type { HttpAsked, HttpConnectionsOptions, HttpHandler } from './http-options.ts';

/** A request under way, as whoever asked sees it. Times are the clock's; `NaN`: not yet. */
export interface HttpRequest {
  /** The watcher no longer wants it: nothing more is called. Its connection is closed, since HTTP/1.1 has no other way. */
  abort(): void;
  /** When the request was put on the wire; of the last one, where there were redirects. */
  readonly sentMs: number;
  /** When the first byte of the answer came. */
  readonly firstByteMs: number;
  /** Bytes of this answer so far as they came off the wire: header and content as coded, redirects included. */
  readonly wireBytes: number;
}

/**
 * The HTTP/1.1 connections of one viewer: kept alive and used again, as many to one origin as browsers open.
 * There is no timer in here: `sweep`, once a second, enforces all time limits.
 */
export class HttpConnections {
  constructor(options: HttpConnectionsOptions) {
    void options;
  }

  /** Bytes off the wire so far, in all connections (TLS: after decryption). */
  get bytesReceived(): number {
    return 0;
  }

  /** The clock's reading for all that the present call of a handler brought. */
  get nowMs(): number {
    return 0;
  }

  /** Never throws and calls nothing before it returns: what is wrong with the URL is told by `failed`. */
  request(asked: HttpAsked, handler: HttpHandler): HttpRequest {
    throw new Error(`not built yet: ${asked.url} ${typeof handler.end}`);
  }

  sweep(nowMs: number): void {
    void nowMs;
  }

  /** Closes everything; requests under way hear nothing more. */
  close(): void {}
}
