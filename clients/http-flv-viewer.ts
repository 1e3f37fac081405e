import { FlvReader } from '../core/flv/reader.ts';
import { describeHttpRefusal } from './http-refusal.ts';
import { parseHttpUrl } from './http-request.ts';
import { type HttpHead, HttpResponseReader } from './http-response.ts';
import { HttpViewer } from './http-viewer.ts';
import type { Failure } from './reason.ts';
import { Ending } from './socket-viewer.ts';
import type { ViewerOptions } from './viewer.ts';

/**
 * A viewer of FLV over HTTP or HTTPS: one GET whose answer never ends.
 *
 *     bytes ──► HttpResponseReader ── content ──► FlvReader ── tags ──► SessionMeter
 */
export class HttpFlvViewer extends HttpViewer {
  #response: HttpResponseReader | null = null;
  #flv: FlvReader | null = null;

  /** Throws an Error of one sentence if the URL or a header cannot be used. */
  constructor(options: ViewerOptions) {
    super(options, parseHttpUrl(options.url, options.tls));
  }

  protected begin(): void {
    this.#response = new HttpResponseReader(this);
    this.#flv = new FlvReader(this.tags, {
      headBytes: this.headBytes,
      header: (hasAudio, hasVideo) => this.meter.announced(hasAudio, hasVideo),
    });
    this.asking();
    this.ask();
  }

  protected parse(bytes: Uint8Array, end: number): void {
    const response = this.#response!;
    response.push(bytes, 0, end);
    if (response.complete) throw new Ending(this.#completed());
  }

  protected answered(head: HttpHead): void {
    if (head.status < 200) throw new Ending(describeHttpRefusal(head, this.where, this.shownPath));
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
    if (!this.meter.hasMedia) return this.nothingCame();
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
    if (!this.meter.hasMedia) return this.nothingCame();
    return {
      reason: 'publisher-gone',
      detail: `${this.where} ended the stream in good order; the publisher has probably left`,
    };
  }
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
