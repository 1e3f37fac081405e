import { ProtocolError } from '../core/media.ts';
import { type RtmpClientEvent, RtmpClientSession } from '../core/rtmp/client-session.ts';
import { parseRtmpUrl, type RtmpUrl } from '../core/rtmp/url.ts';
import { type Endpoint, endpointName } from './connect.ts';
import { LivePublisher } from './live-publisher.ts';
import type { PublisherOptions } from './publisher.ts';
import type { Failure } from './reason.ts';
import { RtmpAuthentication } from './rtmp-authentication.ts';
import { describeRefusal } from './rtmp-refusal.ts';
import type { SendBuffer } from './send-buffer.ts';
import type { SourceTag } from './sources/source.ts';

/** Publishes a source over RTMP or RTMPS: see `Publisher`. */
export class RtmpPublisher extends LivePublisher {
  readonly #url: RtmpUrl;
  readonly #authentication: RtmpAuthentication;
  #session: RtmpClientSession | null = null;
  /** Where the session's bytes go while a batch is encoded. */
  #out: SendBuffer | null = null;

  /** @throws Error with one clear sentence when the URL is none of RTMP */
  constructor(options: PublisherOptions) {
    super(options);
    this.#url = parseRtmpUrl(options.url);
    this.#authentication = new RtmpAuthentication(this.#url, this.random);
  }

  protected endpoint(): Endpoint {
    const { host, port, secure } = this.#url;
    return { host, port, secure };
  }

  protected greet(): void {
    const session = new RtmpClientSession({
      url: this.#authentication.url,
      mode: 'publish',
      random: (bytes) => Uint8Array.from({ length: bytes }, () => Math.floor(this.random() * 256)),
      write: (pieces) => {
        const out = this.#out;
        if (out === null) this.write(pieces);
        else for (const piece of pieces) out.put(piece);
      },
      event: (event) => this.#heed(event),
    });
    this.#session = session;
    session.start();
  }

  protected receive(bytes: Uint8Array, end: number): void {
    this.#session?.receive(bytes, 0, end);
  }

  protected waited(openMs: number): Failure | null {
    if (openMs <= this.timeouts.handshakeMs) return null;
    return {
      reason: 'first-byte-timeout',
      detail: `${this.where} accepted the connection but did not permit publishing within ${this.timeouts.handshakeMs} ms; check that it speaks RTMP`,
    };
  }

  protected encode(tags: readonly SourceTag[], out: SendBuffer): void {
    const session = this.#session;
    if (session === null) return;
    this.#out = out;
    for (const { type, timestampMs, pieces } of tags) session.sendTag(type, timestampMs, ...pieces);
    this.#out = null;
  }

  protected farewell(): void {
    this.#session?.close();
  }

  protected forget(): void {
    this.#session = null;
  }

  protected afresh(): void {
    this.#authentication.reset();
  }

  protected closedByPeer(): Failure {
    return { reason: 'closed', detail: `${this.where} closed the connection without saying why` };
  }

  protected describeThrown(error: unknown): Failure {
    if (error instanceof ProtocolError) {
      return {
        reason: 'bad-response',
        detail: `${this.where} does not speak RTMP as expected (${error.code}: ${error.message})`,
      };
    }
    return {
      reason: 'bad-response',
      detail: `${this.where}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }

  #heed(event: RtmpClientEvent): void {
    switch (event.kind) {
      case 'started':
        this.permitted();
        break;
      case 'refused':
        // A question, no refusal: the answer goes into a new connection.
        if (this.#authentication.answer(event.description)) this.again();
        else this.lose(describeRefusal(event.code, event.description, this.#what));
        break;
      case 'ended':
        this.lose({
          reason: 'closed',
          detail: `${this.where} ended the publication (${event.code || event.description})`,
        });
        break;
      default:
    }
  }

  get #what(): string {
    const { app, stream } = this.#url;
    return `Publishing ${app}/${stream.replace(/\?.*$/, '')} to ${endpointName(this.#url)}`;
  }
}
