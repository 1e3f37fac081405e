import { type RtmpClientEvent, RtmpClientSession } from '../core/rtmp/client-session.ts';
import { parseRtmpUrl, type RtmpUrl } from '../core/rtmp/url.ts';
import type { Endpoint } from './connect.ts';
import type { Failure } from './reason.ts';
import { RtmpAuthentication } from './rtmp-authentication.ts';
import { describeRefusal } from './rtmp-refusal.ts';
import { Elsewhere, Ending, SocketViewer } from './socket-viewer.ts';
import type { ViewerOptions } from './viewer.ts';

/**
 * A viewer of RTMP or RTMPS.
 *
 *     bytes ──► RtmpClientSession ── tags ──► SessionMeter
 *                       └── events: handshaken, started, refused, ended
 */
export class RtmpViewer extends SocketViewer {
  readonly #url: RtmpUrl;
  readonly #endpoint: Endpoint;
  readonly #authentication: RtmpAuthentication;
  #session: RtmpClientSession | null = null;
  #handshaken = false;

  /** Throws an Error of one sentence if the URL cannot be used. */
  constructor(options: ViewerOptions) {
    super(options);
    this.#url = parseRtmpUrl(options.url);
    this.#authentication = new RtmpAuthentication(this.#url, options.random ?? Math.random);
    const { host, port, secure } = this.#url;
    this.#endpoint = { host, port, secure, ...(options.tls ? { tls: options.tls } : {}) };
  }

  protected endpoint(): Endpoint {
    return this.#endpoint;
  }

  protected override afresh(): void {
    this.#authentication.reset();
  }

  protected begin(): void {
    this.#handshaken = false;
    this.greeting();
    this.#session = new RtmpClientSession({
      url: this.#authentication.url,
      mode: 'play',
      sink: this.tags,
      headBytes: this.headBytes,
      random: (bytes) => randomBytes(bytes, this.options.random ?? Math.random),
      write: (pieces) => this.write(pieces),
      event: (event) => this.#hear(event),
    });
    this.#session.start();
  }

  protected parse(bytes: Uint8Array, end: number): void {
    this.#session!.receive(bytes, 0, end);
  }

  protected closedByPeer(): Failure {
    const { where } = this;
    if (!this.#handshaken) {
      return {
        reason: 'closed',
        detail: `${where} closed the connection during the RTMP handshake; check that this port speaks RTMP`,
      };
    }
    if (!this.meter.hasMedia) {
      return {
        reason: 'closed',
        detail: `${where} closed the connection before any audio or video; check that ${this.#shownName} is being published and may be played`,
      };
    }
    return {
      reason: 'closed',
      detail: `${where} closed the connection; the server may have restarted or dropped this viewer`,
    };
  }

  protected override badBytesReason(): 'bad-media' | 'bad-response' {
    return this.#handshaken ? 'bad-media' : 'bad-response';
  }

  protected override goodbye(): void {
    this.#session?.close();
  }

  #hear(event: RtmpClientEvent): void {
    switch (event.kind) {
      case 'handshaken':
        this.#handshaken = true;
        this.asking();
        break;
      case 'started':
        this.waiting();
        break;
      case 'refused':
        if (this.#authentication.answer(event.description)) throw new Elsewhere();
        throw new Ending(
          describeRefusal(event.code, event.description, `${this.#shownName} at ${this.where}`),
        );
      case 'ended':
        throw new Ending({
          reason: 'publisher-gone',
          detail: `${this.where} ended the stream (${event.code}); the publisher has left`,
        });
      case 'connected':
        break;
    }
  }

  /** Without the query, which may hold a signature: sentences end up in reports. */
  get #shownName(): string {
    return `${this.#url.app}/${this.#url.stream.replace(/\?.*$/, '')}`;
  }
}

function randomBytes(count: number, random: () => number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let i = 0; i < count; i++) bytes[i] = Math.floor(random() * 256);
  return bytes;
}
