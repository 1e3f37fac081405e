import type { Clock } from '../../core/clock.ts';
import type { Link } from '../../core/link/link.ts';
import type { HttpHead } from '../http-response.ts';
import type { Failure } from '../reason.ts';
import type { TlsOptions } from '../viewer.ts';

/** What is to be fetched. */
export interface HttpAsked {
  /** Absolute. User and password in it are sent as Basic login, to their own origin only. */
  readonly url: string;
  /** Beside those of the connection set; they win over those. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Part of the file; `length: null`: to its end. The answer's content is then exactly that part. */
  readonly range?: HttpRange | null;
  /** Instead of those of the connection set, each for itself. A blocking playlist reload wants a longer `firstByteMs`. */
  readonly timeouts?: Partial<HttpTimeouts>;
  /** Most bytes of content, codings undone. Left out: that of the connection set. */
  readonly maxBodyBytes?: number;
  /** What the file is, for sentences: `segment`, `playlist`, `key`. Left out: `file`. */
  readonly what?: string;
  /** Whether gzip, deflate and br are offered. Left out: yes, but for a byte range, as browsers do. */
  readonly compression?: boolean;
}

/** A request under way, as whoever asked sees it. Times are the clock's; `NaN`: not yet. */
export interface HttpRequest {
  /** The watcher no longer wants it: nothing more is called. A connection that has the question is closed, since HTTP/1.1 has no other way to say so. */
  abort(): void;
  /** When the request was put on the wire; of the last one, where there were redirects. */
  readonly sentMs: number;
  /** When the first byte of the answer came. */
  readonly firstByteMs: number;
  /** Bytes of the answer so far as they came off the wire: header and content as coded, redirects included. */
  readonly wireBytes: number;
}

export interface HttpRange {
  readonly offset: number;
  readonly length: number | null;
}

/**
 * Whoever asked. `head` once, `body` as often as bytes come, then exactly one of `end`, `failed` and `threw`; after
 * that, and after `abort` or `close`, nothing. Nothing is called before `request` has returned.
 *
 * New requests may be made and others aborted from within any of the calls.
 */
export interface HttpHandler {
  /** The answer is 2xx: content follows. `url` is where it came from, all redirects followed: relative addresses in the content are relative to it. */
  head(head: HttpHead, url: string): void;
  /** Content, chunked and content codings undone. Lent: overwritten after the call. */
  body(bytes: Uint8Array, start: number, end: number): void;
  /** All of the content has come. */
  end(): void;
  /** There is no answer, none that is of use, or it broke off. `status` if there was one, else `null`. */
  failed(failure: Failure, status: number | null): void;
  /** `head`, `body` or `end` of this handler threw: broken media, as a rule. The connection is gone. */
  threw(error: unknown): void;
}

/** How long each phase of one request may take. Enforced by `sweep`, so up to a second late. */
export interface HttpTimeouts {
  /** Resolving the name and making the TCP connection. */
  readonly connectMs: number;
  readonly tlsMs: number;
  /** From the request to the first byte of the answer. */
  readonly firstByteMs: number;
  /** From the first byte of the answer to the end of its header: one that drips ends here. */
  readonly headMs: number;
  /** Longest silence within the content. */
  readonly silenceMs: number;
  /** From `request` to the last byte, waiting for a connection and redirects included. */
  readonly totalMs: number;
}

export const defaultHttpTimeouts: HttpTimeouts = {
  connectMs: 5_000,
  tlsMs: 5_000,
  firstByteMs: 10_000,
  headMs: 10_000,
  silenceMs: 10_000,
  totalMs: 60_000,
};

/** What one viewer may take up, whatever playlists and servers say. */
export interface HttpLimits {
  /** Browsers allow 6 connections to one host over HTTP/1.1, and so does Apple's URL loading (on iOS 4): as many are opened as requests run at the same time. */
  readonly connectionsPerOrigin: number;
  readonly connections: number;
  /** Requests that wait for a connection. */
  readonly waiting: number;
  /** How long a connection without a request is kept. */
  readonly idleMs: number;
  readonly redirects: number;
  readonly urlChars: number;
  readonly headBytes: number;
  /** Content of a redirect or an error, which is read only so that the connection can be used again. */
  readonly drainBytes: number;
  /** Content, codings undone. */
  readonly bodyBytes: number;
  /** Compressed content may become so many times larger … */
  readonly expansion: number;
  /** … where it is larger than this. */
  readonly expansionFromBytes: number;
}

export const defaultHttpLimits: HttpLimits = {
  connectionsPerOrigin: 6,
  connections: 12,
  waiting: 32,
  idleMs: 60_000,
  redirects: 5,
  urlChars: 16 * 1024,
  headBytes: 64 * 1024,
  drainBytes: 64 * 1024,
  bodyBytes: 128 * 1024 * 1024,
  expansion: 100,
  expansionFromBytes: 1024 * 1024,
};

export interface HttpConnectionsOptions {
  readonly clock: Clock;
  /** The viewer's own URL: secrets among `headers` (Authorization, Cookie) and its user and password go to its origin only. */
  readonly url: string;
  /** With every request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: TlsOptions;
  readonly timeouts?: Partial<HttpTimeouts>;
  readonly limits?: Partial<HttpLimits>;
  /** Whether a redirect from https to http is followed. Players refuse it (mixed content), and so it is left out here, unless set. */
  readonly allowDowngrade?: boolean;
  /** The viewer's link, which all of its connections share. */
  readonly link?: Link;
  /** Address of this machine to connect from. */
  readonly localAddress?: string;
  /** A connection has been made (TCP, and TLS if secure). */
  readonly connected?: () => void;
}
