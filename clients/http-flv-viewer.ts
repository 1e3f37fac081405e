import { FlvReader } from '../core/flv/reader.ts';
import { withoutSecrets } from '../core/secrets.ts';
import type { Endpoint } from './connect.ts';
import { getRequest, type HttpTarget, parseHttpUrl, redirectTarget } from './http-request.ts';
import { type HttpHead, HttpResponseReader, type HttpResponseSink } from './http-response.ts';
import type { Failure, Reason } from './reason.ts';
import { Elsewhere, Ending, SocketViewer } from './socket-viewer.ts';
import type { ViewerOptions } from './viewer.ts';

/** As many as browsers' fetch follows is 20; a live stream that needs more than this is a loop. */
const MAX_REDIRECTS = 5;

/**
 * A viewer of FLV over HTTP or HTTPS: one GET whose answer never ends.
 *
 *     bytes ──► HttpResponseReader ── content ──► FlvReader ── tags ──► SessionMeter
 *
 * Redirects (as load balancers send them) are followed, each on a new connection; the session's times run on.
 */
export class HttpFlvViewer extends SocketViewer implements HttpResponseSink {
  readonly #asked: HttpTarget;
  #target: HttpTarget;
  #redirects = 0;
  #response: HttpResponseReader | null = null;
  #flv: FlvReader | null = null;

  /** Throws an Error of one sentence if the URL or a header cannot be used. */
  constructor(options: ViewerOptions) {
    super(options);
    this.#asked = parseHttpUrl(options.url, options.tls);
    this.#target = this.#asked;
    getRequest(this.#target, options.headers);
  }

  protected endpoint(): Endpoint {
    return this.#target.endpoint;
  }

  protected override afresh(): void {
    this.#target = this.#asked;
    this.#redirects = 0;
  }

  protected begin(): void {
    this.#response = new HttpResponseReader(this);
    this.#flv = new FlvReader(this.tags, {
      headBytes: this.headBytes,
      header: (hasAudio, hasVideo) => this.meter.announced(hasAudio, hasVideo),
    });
    this.asking();
    this.write([getRequest(this.#target, this.options.headers, this.#asked)]);
  }

  protected parse(bytes: Uint8Array, end: number): void {
    const response = this.#response!;
    response.push(bytes, 0, end);
    if (response.complete) throw new Ending(this.#completed());
  }

  head(head: HttpHead): void {
    const { status } = head;
    if (status >= 300 && status < 400 && status !== 304) this.#redirect(head);
    if (status < 200 || status >= 300) throw new Ending(refusal(head, this.where, this.#shownPath));
    checkContent(head, this.where);
    this.waiting();
  }

  body(bytes: Uint8Array, start: number, end: number): void {
    this.#flv!.push(bytes, start, end);
  }

  protected closedByPeer(): Failure {
    const response = this.#response;
    if (!response?.hasHead) {
      return { reason: 'closed', detail: `${this.where} closed the connection without an answer` };
    }
    if (!this.meter.hasMedia) return this.#nothingCame();
    const cut = this.#flv!.atTagBoundary && response.endsWithConnection ? '' : ' in the middle of the stream';
    return {
      reason: 'closed',
      detail: `${this.where} closed the connection${cut}; the server may have restarted or dropped this viewer`,
    };
  }

  protected override badBytesReason(): 'bad-media' | 'bad-response' {
    return this.#response?.hasHead ? 'bad-media' : 'bad-response';
  }

  /** The answer has ended as its header or last chunk said it would. */
  #completed(): Failure {
    if (!this.meter.hasMedia) return this.#nothingCame();
    return {
      reason: 'publisher-gone',
      detail: `${this.where} ended the stream in good order; the publisher has probably left`,
    };
  }

  #nothingCame(): Failure {
    return {
      reason: 'no-media',
      detail: `${this.where} answered and ended without any audio or video; check that ${this.#shownPath} is being published and that its signature is valid`,
    };
  }

  /** Without the query, which may hold a signature: sentences end up in reports. */
  get #shownPath(): string {
    return this.#target.path.replace(/\?.*$/, '');
  }

  #redirect({ status, headers }: HttpHead): never {
    const location = headers.get('location');
    const next = location === undefined ? null : redirectTarget(this.#target, location, this.options.tls);
    if (next === null || ++this.#redirects > MAX_REDIRECTS) {
      const why =
        location === undefined
          ? 'without saying where'
          : next === null
            ? `to ${JSON.stringify(withoutSecrets(location).replace(/\?.*$/, ''))}, which is no HTTP URL`
            : `again after ${MAX_REDIRECTS} redirects`;
      throw new Ending({
        reason: 'http-redirect',
        detail: `${this.where} redirected (${status}) ${why}; check the server's balancing rules`,
      });
    }
    this.#target = next;
    throw new Elsewhere();
  }
}

function refusal({ status, statusText }: HttpHead, where: string, path: string): Failure {
  const answer = `${status} ${statusText}`.trim();
  const failure = (reason: Reason, meaning: string): Failure => ({
    reason,
    detail: `${where} answered ${answer} for ${path}: ${meaning}`,
  });
  if (status === 401 || status === 403) {
    return failure('auth', 'not allowed; check user and password, or the signature and its expiry');
  }
  if (status === 404 || status === 410) {
    return failure('not-found', 'there is no such stream; check its name and that it is being published');
  }
  if (status >= 400 && status < 500) return failure('http-4xx', 'the server does not accept the request');
  if (status >= 500 && status < 600) {
    return failure('http-5xx', 'the server failed; look at its log and load');
  }
  return failure('bad-response', 'this is no answer to a request for a stream');
}

/** Media types that are surely no FLV. Live servers send many others for FLV, or none: those are let through. */
const NOT_FLV = /^text\/|^application\/(json|xml|xhtml|dash)|mpegurl/i;

function checkContent({ headers }: HttpHead, where: string): void {
  const type = headers.get('content-type') ?? '';
  if (NOT_FLV.test(type)) {
    throw new Ending({
      reason: 'bad-response',
      detail: `${where} answered with ${type.split(';')[0]} instead of FLV; check the URL`,
    });
  }
  const coding = headers.get('content-encoding')?.toLowerCase() ?? 'identity';
  if (coding !== 'identity') {
    throw new Ending({
      reason: 'bad-response',
      detail: `${where} answered with ${coding} compression although none was accepted; switch it off for streams`,
    });
  }
}
