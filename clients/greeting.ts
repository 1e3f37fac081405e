import { createHash } from 'node:crypto';
import type { TagSink } from '../core/media.ts';
import { RtmpClientSession } from '../core/rtmp/client-session.ts';
import { parseRtmpUrl } from '../core/rtmp/url.ts';
import { checkUpgrade, upgradeFields, webSocketKey } from '../core/websocket/handshake.ts';
import type { Endpoint } from './connect.ts';
import { describeHttpRefusal } from './http-refusal.ts';
import { getRequest, parseHttpUrl, parseWebSocketUrl } from './http-request.ts';
import { type HttpHead, HttpResponseReader } from './http-response.ts';
import type { Failure } from './reason.ts';
import type { ViewerOptions } from './viewer.ts';

/** The handshake of a protocol alone: for connections that want nothing more. */
export interface Greeting {
  /** Where to. */
  readonly endpoint: Endpoint;
  /** The connection is open. */
  begin(write: (pieces: readonly Uint8Array[]) => void): void;
  /** Takes `bytes[0, end)`. Returns whether the handshake is complete, or why it never will be. Throws a ProtocolError. */
  take(bytes: Uint8Array, end: number): boolean | Failure;
}

/** Of the URL's protocol; of HTTP, which has none above the transport, where to connect. Throws an Error of one sentence. */
export function greetingOf(options: ViewerOptions): Greeting | Endpoint {
  const { url, tls } = options;
  if (/^rtmps?:/i.test(url)) return new RtmpGreeting(options);
  if (/^wss?:/i.test(url)) return new WebSocketGreeting(options);
  return parseHttpUrl(url, tls).endpoint;
}

/** C0 to C2 (RTMP 1.0, 5.2). Nothing is said after that. */
class RtmpGreeting implements Greeting {
  readonly endpoint: Endpoint;
  readonly #options: ViewerOptions;
  #session: RtmpClientSession | null = null;
  #done = false;

  constructor(options: ViewerOptions) {
    this.#options = options;
    const { host, port, secure } = parseRtmpUrl(options.url);
    this.endpoint = { host, port, secure, ...(options.tls ? { tls: options.tls } : {}) };
  }

  begin(write: (pieces: readonly Uint8Array[]) => void): void {
    const random = this.#options.random ?? Math.random;
    this.#session = new RtmpClientSession({
      url: parseRtmpUrl(this.#options.url),
      mode: 'play',
      sink: nobody,
      headBytes: 0,
      random: (bytes) => randomBytes(bytes, random),
      write: (pieces) => {
        if (!this.#done) write(pieces);
      },
      event: ({ kind }) => {
        if (kind === 'handshaken') this.#done = true;
      },
    });
    this.#session.start();
  }

  take(bytes: Uint8Array, end: number): boolean {
    this.#session!.receive(bytes, 0, end);
    return this.#done;
  }
}

/** The upgrade (RFC 6455, section 4). */
class WebSocketGreeting implements Greeting {
  readonly endpoint: Endpoint;
  readonly #options: ViewerOptions;
  #key = '';
  #response: HttpResponseReader | null = null;
  #answer: boolean | Failure = false;

  constructor(options: ViewerOptions) {
    this.#options = options;
    this.endpoint = parseWebSocketUrl(options.url, options.tls).endpoint;
  }

  begin(write: (pieces: readonly Uint8Array[]) => void): void {
    const { url, tls, headers, random = Math.random } = this.#options;
    const target = parseWebSocketUrl(url, tls);
    this.#key = webSocketKey(randomBytes(16, random));
    this.#response = new HttpResponseReader({
      head: (head) => this.#hear(head, target.path.replace(/\?.*$/, '')),
      body: () => {},
    });
    write([getRequest(target, headers, target, upgradeFields(this.#key))]);
  }

  take(bytes: Uint8Array, end: number): boolean | Failure {
    this.#response!.push(bytes, 0, end);
    return this.#answer;
  }

  #hear(head: HttpHead, path: string): void {
    if (head.status !== 101) {
      const { host, port } = this.endpoint;
      this.#answer = describeHttpRefusal(head, `${host}:${port}`, path);
      return;
    }
    checkUpgrade(head.headers, {
      key: this.#key,
      subprotocols: this.#subprotocols,
      sha1: (bytes) => createHash('sha1').update(bytes).digest(),
    });
    this.#answer = true;
  }

  get #subprotocols(): string | undefined {
    const headers = Object.entries(this.#options.headers ?? {});
    return headers.find(([name]) => name.toLowerCase() === 'sec-websocket-protocol')?.[1];
  }
}

const nobody: TagSink = { head: () => {}, end: () => {} };

function randomBytes(count: number, random: () => number): Uint8Array {
  return Uint8Array.from({ length: count }, () => Math.floor(random() * 256));
}
