import {
  FILE_HEADER_BYTES,
  putFlvHeader,
  putTagEnd,
  putTagHeader,
  TAG_FRAMING_BYTES,
  TAG_HEADER_BYTES,
} from '../core/flv/writer.ts';
import { ProtocolError } from '../core/media.ts';
import { withoutSecrets } from '../core/secrets.ts';
import type { Endpoint } from './connect.ts';
import { describeHttpRefusal } from './http-refusal.ts';
import { type HttpTarget, parseHttpUrl, redirectTarget } from './http-request.ts';
import { type HttpHead, HttpResponseReader } from './http-response.ts';
import { LivePublisher } from './live-publisher.ts';
import { postRequest } from './post-request.ts';
import type { PublisherOptions } from './publisher.ts';
import type { Failure, Reason } from './reason.ts';
import type { SendBuffer } from './send-buffer.ts';
import type { SourceTag } from './sources/source.ts';

/**
 * How long a server may take to say that it wants the body. Many never say it (ffmpeg's, most older ones), so after
 * that the body is sent all the same, as RFC 9110, 10.1.1, wants it.
 */
const CONTINUE_MS = 1_000;
const MAX_REDIRECTS = 5;
const CR_LF = Uint8Array.of(13, 10);
/** RFC 9112, 7.1: the chunk without content that ends the body. */
const LAST_CHUNK = Buffer.from('0\r\n\r\n', 'latin1');

/**
 * Publishes a source as the body of one POST that has no end: FLV in chunked coding, over HTTP or HTTPS.
 *
 *     POST … Expect: 100-continue ─► 100 or 1 s of silence ─► 3f1a CRLF header, tags CRLF │ 5c2 CRLF tags CRLF │ … │ 0 CRLF CRLF
 *                                 └► 4xx, 5xx at any moment: refused
 *
 * See `Publisher`.
 */
export class HttpFlvPublisher extends LivePublisher {
  readonly #asked: HttpTarget;
  #target: HttpTarget;
  #redirects = 0;
  /** The server has refused to be asked whether it wants the body (417). */
  #refusesExpectation = false;
  #response: HttpResponseReader | null = null;
  #answer: HttpHead | null = null;
  #headerSent = false;

  /** @throws Error with one clear sentence when the URL is none of HTTP */
  constructor(options: PublisherOptions) {
    super(options);
    this.#asked = parseHttpUrl(options.url);
    this.#target = this.#asked;
  }

  protected endpoint(): Endpoint {
    return this.#target.endpoint;
  }

  protected greet(): void {
    this.#answer = null;
    this.#headerSent = false;
    this.#response = new HttpResponseReader({
      interim: (status) => {
        if (status === 100) this.permitted();
      },
      head: (head) => this.#heed(head),
      body: () => {},
    });
    this.write([postRequest(this.#target, !this.#refusesExpectation)]);
    if (this.#refusesExpectation) this.permitted();
  }

  protected receive(bytes: Uint8Array, end: number): void {
    this.#response?.push(bytes, 0, end);
  }

  protected waited(openMs: number): null {
    if (openMs >= CONTINUE_MS) this.permitted();
    return null;
  }

  protected encode(tags: readonly SourceTag[], out: SendBuffer): void {
    let bytes = this.#headerSent ? 0 : FILE_HEADER_BYTES;
    for (const { pieces } of tags) bytes += TAG_FRAMING_BYTES + sizeOf(pieces);
    putChunkSize(bytes, out);
    if (!this.#headerSent) {
      this.#headerSent = true;
      const hasAudio = this.has('audio-config') || tags.some(({ kind }) => kind === 'audio');
      const at = out.reserve(FILE_HEADER_BYTES);
      putFlvHeader(out.bytes, at, hasAudio, this.has('video-config'));
    }
    for (const { type, timestampMs, pieces } of tags) {
      const bodyBytes = sizeOf(pieces);
      const headerAt = out.reserve(TAG_HEADER_BYTES);
      putTagHeader(out.bytes, headerAt, type, timestampMs, bodyBytes);
      for (const piece of pieces) out.put(piece);
      const endAt = out.reserve(TAG_FRAMING_BYTES - TAG_HEADER_BYTES);
      putTagEnd(out.bytes, endAt, bodyBytes);
    }
    out.put(CR_LF);
  }

  protected farewell(): void {
    if (this.state === 'publishing') this.write([LAST_CHUNK]);
  }

  protected forget(): void {
    this.#response = null;
  }

  protected afresh(): void {
    this.#target = this.#asked;
    this.#redirects = 0;
  }

  protected closedByPeer(): Failure {
    const answer = this.#answer;
    const said =
      answer === null
        ? 'without an answer'
        : `after it had answered ${`${answer.status} ${answer.statusText}`.trim()}`;
    return { reason: 'closed', detail: `${this.where} closed the connection ${said}` };
  }

  protected describeThrown(error: unknown): Failure {
    const said =
      error instanceof ProtocolError
        ? ` does not speak HTTP as expected (${error.code}: ${error.message})`
        : `: ${error instanceof Error ? error.message : String(error)}`;
    return { reason: 'bad-response', detail: `${this.where}${said}` };
  }

  /** The answer proper. Some servers say yes as soon as they have read the header, others only at the end of the body. */
  #heed(head: HttpHead): void {
    const { status } = head;
    this.#answer = head;
    if (status >= 200 && status < 300) this.permitted();
    else if (status === 417 && !this.#refusesExpectation) {
      this.#refusesExpectation = true;
      this.again();
    } else if (status === 307 || status === 308) this.#redirect(head);
    else this.lose(this.#describeRefusal(head));
  }

  /** RFC 9110, 15.4.8 and 15.4.9: the same request elsewhere; after the other redirects it would have to be a GET. */
  #redirect(head: HttpHead): void {
    const location = head.headers.get('location') ?? '';
    const next = redirectTarget(this.#target, location, this.options.tls);
    if (next === null || ++this.#redirects > MAX_REDIRECTS) {
      const where =
        next === null
          ? `to ${JSON.stringify(withoutSecrets(location).replace(/\?.*$/, ''))}, which is no HTTP URL`
          : `again after ${MAX_REDIRECTS} redirects`;
      this.lose({
        reason: 'http-redirect',
        detail: `${this.where} redirected (${head.status}) ${where}; check the server's balancing rules`,
      });
      return;
    }
    this.#target = next;
    this.again();
  }

  #describeRefusal(head: HttpHead): Failure {
    const { status, statusText } = head;
    const meaning = refusals.get(status);
    // Without the query, which may hold a signature: sentences end up in reports.
    const path = this.#target.path.replace(/\?.*$/, '');
    if (meaning === undefined) return describeHttpRefusal(head, this.where, path);
    const [reason, sentence] = meaning;
    const answer = `${status} ${statusText}`.trim();
    return { reason, detail: `${this.where} answered ${answer} for publishing ${path}: ${sentence}` };
  }
}

/** What an answer means to a publisher where it means another thing to a viewer. */
const refusals = new Map<number, readonly [Reason, string]>([
  [404, ['not-found', 'nothing can be published there; check the path']],
  [405, ['http-4xx', 'the server takes no publications by POST; try RTMP']],
  [
    409,
    ['http-4xx', 'the stream is being published already; choose another name or end the other publisher'],
  ],
]);

function sizeOf(pieces: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const piece of pieces) bytes += piece.length;
  return bytes;
}

const HEX = Buffer.from('0123456789abcdef', 'latin1');
const SIZE_LINE_BYTES = 10;

/** The size in eight hexadecimal digits: leading zeros are allowed, and a fixed length needs no text. */
function putChunkSize(bytes: number, out: SendBuffer): void {
  const at = out.reserve(SIZE_LINE_BYTES);
  const line = out.bytes;
  for (let digit = 0; digit < 8; digit++) line[at + digit] = HEX[(bytes >>> (28 - 4 * digit)) & 15]!;
  line[at + 8] = 13;
  line[at + 9] = 10;
}
