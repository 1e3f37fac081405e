import { createHash } from 'node:crypto';
import { FlvReader } from '../core/flv/reader.ts';
import { ProtocolError } from '../core/media.ts';
import {
  CLOSE_NORMAL,
  CLOSE_PROTOCOL_ERROR,
  closeFrame,
  controlFrame,
  OPCODE_PONG,
} from '../core/websocket/frame.ts';
import { FrameReader, type FrameSink } from '../core/websocket/frame-reader.ts';
import { checkUpgrade, upgradeFields, webSocketKey } from '../core/websocket/handshake.ts';
import { parseWebSocketUrl } from './http-request.ts';
import { type HttpHead, HttpResponseReader } from './http-response.ts';
import { HttpViewer } from './http-viewer.ts';
import type { Failure } from './reason.ts';
import { Ending } from './socket-viewer.ts';
import type { ViewerOptions } from './viewer.ts';
import { describeClosing } from './ws-closing.ts';

/** With more than this on its way to it, a server that pings is not reading: it gets no pong (RFC 6455, 5.5.3, asks for the last only). */
const MAX_QUEUED_BYTES = 4 * 1024;

/**
 * A viewer of FLV over a WebSocket (ws:// or wss://).
 *
 *     bytes ─┬─► HttpResponseReader ── 101 ──► checkUpgrade
 *            └─► FrameReader ── payload of binary messages ──► FlvReader ── tags ──► SessionMeter
 *                     └── pings, close
 *
 * Servers send one FLV tag in each message, or several, or parts: the messages are read as one stream. A browser sees
 * a message when all of it has come; figures here are those of the tags in it.
 */
export class WsFlvViewer extends HttpViewer implements FrameSink {
  #key = '';
  #response: HttpResponseReader | null = null;
  /** From the upgrade on. */
  #frames: FrameReader | null = null;
  #flv: FlvReader | null = null;
  #heard = false;
  /** Of the last ping that came, until it is answered. */
  #ping: Uint8Array | null = null;

  /** Throws an Error of one sentence if the URL or a header cannot be used. */
  constructor(options: ViewerOptions) {
    super(options, parseWebSocketUrl(options.url, options.tls));
  }

  protected begin(): void {
    this.#key = webSocketKey(this.#random(16));
    this.#response = new HttpResponseReader(this);
    this.#frames = null;
    this.#heard = false;
    this.#ping = null;
    this.greeting();
    this.ask(upgradeFields(this.#key));
  }

  protected parse(bytes: Uint8Array, end: number): void {
    try {
      if (this.#frames) this.#frames.push(bytes, 0, end);
      else this.#response!.push(bytes, 0, end);
    } catch (error) {
      // Section 7.1.7: fail the connection, and say why.
      if (this.#frames && isProtocolError(error)) this.#writeClose(CLOSE_PROTOCOL_ERROR);
      throw error;
    }
    if (this.#ping) this.#pong(this.#ping);
  }

  protected answered(head: HttpHead): void {
    if (head.status !== 101) {
      throw new Ending({
        reason: 'bad-response',
        detail: `${this.where} answered ${head.status} instead of upgrading to WebSocket; check that it serves WS-FLV under ${this.shownPath}`,
      });
    }
    checkUpgrade(head.headers, {
      key: this.#key,
      subprotocols: this.#subprotocols,
      sha1: (bytes) => createHash('sha1').update(bytes).digest(),
    });
    this.#response = null;
    this.#frames = new FrameReader(this);
    this.#flv = new FlvReader(this.tags, {
      headBytes: this.headBytes,
      header: (hasAudio, hasVideo) => this.meter.announced(hasAudio, hasVideo),
    });
    this.agreed();
  }

  /** What came in one read with the 101. */
  body(bytes: Uint8Array, start: number, end: number): void {
    this.#frames!.push(bytes, start, end);
  }

  message(kind: 'text' | 'binary'): void {
    if (kind === 'binary') return;
    throw new Ending({
      reason: 'bad-response',
      detail: `${this.where} sent a text message where FLV comes in binary ones; check the URL`,
    });
  }

  payload(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#heard) {
      this.#heard = true;
      this.waiting();
    }
    this.#flv!.push(bytes, start, end);
  }

  ping(bytes: Uint8Array, start: number, end: number): void {
    this.#ping = bytes.slice(start, end);
  }

  close(code: number | null, reason: string): void {
    this.#writeClose(code);
    const { hasMedia } = this.meter;
    throw new Ending(describeClosing(code, reason, { where: this.where, stream: this.shownPath, hasMedia }));
  }

  protected closedByPeer(): Failure {
    if (!this.#frames) {
      return {
        reason: 'closed',
        detail: `${this.where} closed the connection during the WebSocket handshake; check that this port serves WS-FLV`,
      };
    }
    if (!this.meter.hasMedia) return this.nothingCame();
    const cut =
      this.#frames.atMessageBoundary && this.#flv!.atTagBoundary ? '' : ' in the middle of the stream';
    return {
      reason: 'closed',
      detail: `${this.where} cut the connection${cut} without closing the WebSocket; the server may have restarted or dropped this viewer`,
    };
  }

  protected override badBytesReason(error: unknown): 'bad-media' | 'bad-response' {
    return this.#frames && !isProtocolError(error) ? 'bad-media' : 'bad-response';
  }

  protected override goodbye(): void {
    if (this.#frames?.closed === false) this.#writeClose(CLOSE_NORMAL);
  }

  #pong(payload: Uint8Array): void {
    this.#ping = null;
    if (this.queuedBytes > MAX_QUEUED_BYTES) return;
    this.write([controlFrame(OPCODE_PONG, payload, this.#random(4))]);
  }

  #writeClose(code: number | null): void {
    this.write([closeFrame(code, this.#random(4))]);
  }

  /** What a header of the caller's asks for. */
  get #subprotocols(): string | undefined {
    const headers = Object.entries(this.options.headers ?? {});
    return headers.find(([name]) => name.toLowerCase() === 'sec-websocket-protocol')?.[1];
  }

  #random(count: number): Uint8Array {
    const random = this.options.random ?? Math.random;
    return Uint8Array.from({ length: count }, () => Math.floor(random() * 256));
  }
}

/** Of the WebSocket, not of the media in it. */
function isProtocolError(error: unknown): boolean {
  return error instanceof ProtocolError && error.code.startsWith('WS_');
}
