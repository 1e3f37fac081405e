import { endpointName } from '../connect.ts';
import { describeHttpRefusal } from '../http-refusal.ts';
import type { HttpHead } from '../http-response.ts';
import type { Failure, Reason } from '../reason.ts';
import { ContentDecoder, contentCoding, type DecodedSink } from './content-decoder.ts';
import { announcedLength, rangeMismatch } from './content-range.ts';
import type { HttpAsked, HttpHandler, HttpLimits, HttpRequest, HttpTimeouts } from './http-options.ts';
import type { Target } from './origins.ts';
import { followRedirect, withoutFragment } from './redirect.ts';

/** The connection that carries an exchange, as the exchange sees it. */
export interface Carrier {
  /** The answer is not wanted any more: closes the connection. */
  drop(): void;
  /** Reads on. */
  resume(): void;
}

/** The connection set, as an exchange sees it. */
export interface ExchangeHost {
  readonly limits: HttpLimits;
  readonly timeouts: HttpTimeouts;
  readonly allowDowngrade: boolean;
  readonly nowMs: number;
  /** Nobody listens any more. */
  readonly closed: boolean;
  /** What `request` is still being called for: may not hear anything yet. */
  readonly beginning: Exchange | null;
  /** Reads the clock: something comes that no socket brought. */
  touch(): void;
  /** Throws an Error of one sentence. */
  find(url: string): Target;
  /** Gives it a connection, or lets it wait for one. */
  dispatch(exchange: Exchange): void;
  /** It is over, or nobody wants it any more. */
  forget(exchange: Exchange): void;
}

/**
 * One question and its answer, over as many redirects and connections as it takes.
 *
 *     waiting ─ sent ─ header ─ content ─ over
 *        ↑        │       └─ 3xx: content is drained ┐
 *        └────────┴──────────────────────────────────┘
 *              (connection was stale: once)
 */
export class Exchange implements HttpRequest, DecodedSink {
  readonly asked: HttpAsked;
  readonly startMs: number;
  sentMs = Number.NaN;
  firstByteMs = Number.NaN;
  wireBytes = 0;
  lastByteMs = Number.NaN;
  url: string;
  target: Target | null = null;
  carrier: Carrier | null = null;
  /** Credentials that a redirect within the origin takes along. */
  carried: string | null = null;
  /** Wants a connection that has carried nothing yet: the one before was stale. */
  fresh = false;

  readonly #host: ExchangeHost;
  readonly #handler: HttpHandler;
  #over = false;
  #aborted = false;
  #hasHead = false;
  #status: number | null = null;
  #contentBytes = 0;
  #announcedBytes: number | null = null;
  #maxBytes: number;
  #decoder: ContentDecoder | null = null;
  /** What the content leads to once it has been read only for the connection's sake. */
  #afterDrain: { readonly failure: Failure } | { readonly url: string } | null = null;
  #visited: string[] | null = null;
  #askedOrigin = '';

  constructor(host: ExchangeHost, asked: HttpAsked, handler: HttpHandler) {
    this.#host = host;
    this.asked = asked;
    this.#handler = handler;
    this.url = asked.url;
    this.startMs = host.nowMs;
    this.#maxBytes = asked.maxBodyBytes ?? host.limits.bodyBytes;
  }

  /** Where the request goes first. */
  aim(target: Target): void {
    this.target = target;
    this.#askedOrigin = target.origin.key;
  }

  /** Secrets among the request's own headers may go there. */
  get atAskedOrigin(): boolean {
    return this.target?.origin.key === this.#askedOrigin;
  }

  get over(): boolean {
    return this.#over;
  }

  /** zlib is behind: the socket is to be read no further until `Carrier.resume`. */
  get saturated(): boolean {
    return this.#decoder?.saturated ?? false;
  }

  abort(): void {
    this.#aborted = true;
    if (this.#over) return;
    this.#leave();
    this.#dropCarrier();
  }

  // What the connection brings

  sent(): void {
    this.sentMs = this.#host.nowMs;
    this.firstByteMs = Number.NaN;
    this.lastByteMs = Number.NaN;
    this.#hasHead = false;
    this.#contentBytes = 0;
  }

  arrived(bytes: number): void {
    const { nowMs } = this.#host;
    if (Number.isNaN(this.firstByteMs)) this.firstByteMs = nowMs;
    this.lastByteMs = nowMs;
    this.wireBytes += bytes;
  }

  head(head: HttpHead): void {
    if (this.#over) return;
    const { status } = head;
    this.#hasHead = true;
    this.#status = status;
    this.#announcedBytes = announcedLength(head);
    if (status < 200) {
      this.fail('bad-response', 'switched to another protocol (101) that nobody asked for');
    } else if (status >= 300) {
      this.#afterDrain = status < 400 && status !== 304 ? this.#redirect(head) : this.#refusal(head);
    } else if (status >= 200) this.#accept(head);
    if (this.#afterDrain && (this.#announcedBytes ?? 0) > this.#host.limits.drainBytes) this.#stopDraining();
  }

  content(bytes: Uint8Array, start: number, end: number): void {
    if (this.#over) return;
    this.#contentBytes += end - start;
    if (this.#afterDrain) {
      if (this.#contentBytes > this.#host.limits.drainBytes) this.#stopDraining();
    } else if (this.#contentBytes > this.#maxBytes) {
      // Coded content, too: what it becomes is hardly smaller.
      this.fail('bad-response', this.#tooLarge(this.#contentBytes));
    } else if (this.#decoder) this.#decoder.push(bytes, start, end);
    else this.body(bytes, start, end);
  }

  /** The answer has come whole; the connection has let go of it. */
  complete(): void {
    this.carrier = null;
    if (this.#over) return;
    if (this.#afterDrain) this.#drained();
    else if (this.#decoder) this.#decoder.end();
    else this.decoded();
  }

  /** The connection is gone before the answer was complete. `failure: null`: closed in good order. */
  lost(failure: Failure | null, wasReused: boolean): void {
    this.carrier = null;
    if (this.#over) return;
    if (this.#afterDrain) {
      this.#drained();
      return;
    }
    if (Number.isNaN(this.firstByteMs) && wasReused) {
      // RFC 9112, 9.3.1: the server closed it while the question was on its way. Asked once more, on a new one.
      this.fresh = true;
      this.#host.dispatch(this);
      return;
    }
    if (failure) this.#fail(failure);
    else this.fail('closed', `closed the connection ${this.#howFar()}`);
  }

  /** What came is not HTTP. */
  broken(problem: string): void {
    this.fail('bad-response', `sent what is not understood: ${problem}`);
  }

  /** Enforces the time limits that are not the connection's. */
  sweep(nowMs: number): void {
    if (this.#over) return;
    const limits = this.#host.timeouts;
    const own = this.asked.timeouts;
    const totalMs = own?.totalMs ?? limits.totalMs;
    if (nowMs - this.startMs >= totalMs) {
      this.#overdue('too-slow', `did not deliver it within ${totalMs} ms (${this.#soFar()})`);
    } else if (Number.isNaN(this.sentMs) || this.carrier === null) {
      // Waits for a connection; or all has come and is being decoded.
    } else if (Number.isNaN(this.firstByteMs)) {
      const limitMs = own?.firstByteMs ?? limits.firstByteMs;
      if (nowMs - this.sentMs >= limitMs) {
        this.#overdue('first-byte-timeout', `took the request and said nothing for ${limitMs} ms`);
      }
    } else if (!this.#hasHead) {
      const limitMs = own?.headMs ?? limits.headMs;
      if (nowMs - this.firstByteMs >= limitMs) {
        this.#overdue('too-slow', `began to answer and did not finish the header within ${limitMs} ms`);
      }
    } else {
      const limitMs = own?.silenceMs ?? limits.silenceMs;
      if (nowMs - this.lastByteMs >= limitMs) {
        this.#overdue('too-slow', `stopped sending for ${limitMs} ms (${this.#soFar()})`);
      }
    }
  }

  // DecodedSink, and what comes without a coding

  body(bytes: Uint8Array, start: number, end: number): void {
    if (this.#over || start === end) return;
    if (this.#decoder) this.#host.touch();
    try {
      this.#handler.body(bytes, start, end);
    } catch (error) {
      this.#threw(error);
    }
  }

  decoded(): void {
    if (this.#over) return;
    this.#leave();
    try {
      this.#handler.end();
    } catch (error) {
      this.#handler.threw(error);
    }
  }

  undecodable(problem: string): void {
    this.fail('bad-response', problem);
  }

  drained(): void {
    this.#host.touch();
    this.lastByteMs = this.#host.nowMs;
    this.carrier?.resume();
  }

  // Ends

  /** `problem` follows "host:port". */
  fail(reason: Reason, problem: string): void {
    this.#fail({ reason, detail: `${this.#where} ${problem} [${this.#what} ${this.#shownPath}]` });
  }

  /** As `fail`, with a whole sentence. */
  failWith(failure: Failure): void {
    this.#fail(failure);
  }

  #fail(failure: Failure): void {
    if (this.#over) return;
    const beginning = this.#host.beginning === this;
    this.#leave();
    this.#dropCarrier();
    const told = { reason: failure.reason, detail: oneLine(failure.detail) };
    if (!beginning) this.#handler.failed(told, this.#status);
    else {
      queueMicrotask(() => {
        if (!this.#aborted && !this.#host.closed) this.#handler.failed(told, null);
      });
    }
  }

  #threw(error: unknown): void {
    if (this.#over) return;
    this.#leave();
    this.#dropCarrier();
    this.#handler.threw(error);
  }

  #leave(): void {
    this.#over = true;
    this.#decoder?.destroy();
    this.#decoder = null;
    this.#host.forget(this);
  }

  #dropCarrier(): void {
    const { carrier } = this;
    this.carrier = null;
    carrier?.drop();
  }

  // Answers

  #accept(head: HttpHead): void {
    const coding = contentCoding(head.headers.get('content-encoding'));
    const length = announcedLength(head);
    const problem =
      rangeMismatch(head, this.asked.range ?? null) ??
      codingProblem(head, coding) ??
      (length !== null && length > this.#maxBytes ? this.#tooLarge(length) : null);
    if (problem !== null) {
      this.fail('bad-response', problem);
      return;
    }
    if (coding) {
      const { expansion, expansionFromBytes } = this.#host.limits;
      const limits = { bodyBytes: this.#maxBytes, expansion, expansionFromBytes };
      this.#decoder = new ContentDecoder(coding, length, limits, this);
    }
    try {
      this.#handler.head(head, this.url);
    } catch (error) {
      this.#threw(error);
    }
  }

  #refusal(head: HttpHead): { failure: Failure } {
    const { asked } = this;
    if (head.status === 416 && asked.range) {
      const { offset, length } = asked.range;
      const size = length === null ? '' : ` of ${length} bytes`;
      const detail = `${this.#where} answered 416 for ${this.#shownPath}: the file has no part${size} at ${offset}; check the byte ranges of the playlist`;
      return { failure: { reason: 'http-4xx', detail } };
    }
    return { failure: describeHttpRefusal(head, this.#where, this.#shownPath, this.#what) };
  }

  #redirect({ status, headers }: HttpHead): { failure: Failure } | { url: string } {
    this.#visited ??= [withoutFragment(this.url)];
    const { limits, allowDowngrade } = this.#host;
    const next = followRedirect(headers.get('location'), this.#visited, { ...limits, allowDowngrade });
    if ('url' in next) {
      this.#visited.push(next.url);
      return next;
    }
    const detail = `${this.#where} redirected (${status}) ${next.refused}, asked for ${this.#shownPath}; check the server's balancing rules`;
    return { failure: { reason: 'http-redirect', detail } };
  }

  /** The content of a redirect or a refusal is too long to be read for the connection's sake. */
  #stopDraining(): void {
    this.#dropCarrier();
    this.#drained();
  }

  #drained(): void {
    const next = this.#afterDrain;
    this.#afterDrain = null;
    if (next === null) return;
    if ('failure' in next) {
      this.#fail(next.failure);
      return;
    }
    const from = this.target?.origin;
    this.url = next.url;
    try {
      this.target = this.#host.find(next.url);
    } catch (error) {
      this.#fail({ reason: 'http-redirect', detail: (error as Error).message });
      return;
    }
    const { origin } = this.target;
    this.carried = from?.key === origin.key ? (from.authorization ?? this.carried) : null;
    this.fresh = false;
    this.#status = null;
    this.sentMs = Number.NaN;
    this.#host.dispatch(this);
  }

  #overdue(reason: Reason, problem: string): void {
    if (this.#afterDrain) this.#stopDraining();
    else this.fail(reason, `${problem}; the network or the server is too slow`);
  }

  #tooLarge(bytes: number): string {
    return `sends ${bytes} bytes or more, and at most ${this.#maxBytes} are read; check what is served there`;
  }

  #howFar(): string {
    if (Number.isNaN(this.firstByteMs)) return 'without an answer';
    return this.#hasHead ? `in the middle of the content (${this.#soFar()})` : 'in the middle of the header';
  }

  #soFar(): string {
    const of = this.#announcedBytes === null ? '' : ` of ${this.#announcedBytes}`;
    return `${this.#contentBytes}${of} bytes came`;
  }

  get #where(): string {
    return this.target ? endpointName(this.target.origin.endpoint) : 'the server';
  }

  get #what(): string {
    return this.asked.what ?? 'file';
  }

  /** Without the query, which may hold a signature: sentences end up in reports. */
  get #shownPath(): string {
    return (this.target?.path ?? '').replace(/\?.*$/, '').slice(0, 200);
  }
}

function codingProblem(
  { status, headers }: HttpHead,
  coding: ReturnType<typeof contentCoding>,
): string | null {
  if (coding === undefined) {
    const named = JSON.stringify((headers.get('content-encoding') ?? '').slice(0, 40));
    return `answered with the content coding ${named}, which was not offered`;
  }
  return coding !== null && status === 206
    ? `compressed a byte range (${coding}), which cannot be undone; switch compression off for media files there`
    : null;
}

/** Servers' own words are part of some sentences: they may not break lines, nor fill pages. */
function oneLine(sentence: string): string {
  return sentence.replace(/\p{Cc}+/gu, ' ').slice(0, MAX_DETAIL);
}

const MAX_DETAIL = 400;
