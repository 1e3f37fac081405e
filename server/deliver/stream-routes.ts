/**
 * HLS over HTTP: playlists, segments, parts, init segments and keys.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { type LimitFault, limitStatus, retryAfterS } from '../gate/limits.ts';
import type { SessionLimits } from '../gate/session-limits.ts';
import { hasReached, isTooFarAhead, readDirectives } from './blocking-reload.ts';
import { readRange } from './byte-range.ts';
import type { Delivery } from './delivery.ts';
import type { LiveStream } from './live-stream.ts';
import type { PlayGate } from './play-gate.ts';
import { carriedQuery, MediaPlaylists, multivariantText } from './playlists.ts';
import type { Rendition } from './rendition.ts';
import { readAddress, type StreamAddress, splitTarget } from './stream-address.ts';
import type { Traffic } from './traffic.ts';
import type { HlsViewers } from './viewers.ts';

export interface StreamRoutesOptions {
  readonly delivery: Delivery;
  readonly gate: PlayGate;
  readonly viewers: HlsViewers;
  readonly limits: SessionLimits;
  readonly traffic: Traffic;
  readonly sendTimeoutMs: number;
  /** Aborted when the server stops: nobody waits any longer. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
  readonly segmentMs: number;
}

/** Of these many target durations a request may wait for its part or playlist (RFC 8216bis, 6.2.5.2). */
const MAX_WAIT_TARGETS = 3;
/** Segments are made of nothing longer than three times what was wished, and the first one must be whole. */
const FIRST_SEGMENT_TARGETS = 4;
const GZIP_FROM_BYTES = 512;

const TYPES = {
  m3u8: 'application/vnd.apple.mpegurl',
  ts: 'video/mp2t',
  m4s: 'video/iso.segment',
  mp4: 'video/mp4',
  key: 'application/octet-stream',
} as const;

export function addStreamRoutes(app: FastifyInstance, options: StreamRoutesOptions): void {
  const routes = new StreamRoutes(options);
  app.get('/*', (request, reply) => routes.answer(request, reply));
}

class StreamRoutes {
  readonly #options: StreamRoutesOptions;
  readonly #playlists = new MediaPlaylists();

  constructor(options: StreamRoutesOptions) {
    this.#options = options;
  }

  async answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { pathname, query } = splitTarget(request.raw.url ?? '');
    const address = readAddress(pathname);
    if (address === null) {
      const isMalformed = !/^\/[A-Za-z0-9_./~-]{0,255}$/.test(pathname) || pathname.includes('..');
      return isMalformed || pathname.endsWith('.m3u8')
        ? this.#refuse(reply, 400, 'bad-name', `Bad path: ${addressRule}.`)
        : this.#refuse(reply, 404, 'no-such-path', `Nothing is here; streams are at ${addressRule}.`);
    }
    const { gate, delivery, log } = this.#options;
    const refusal = gate.check(address.stream, query.get('sign'), request.headers);
    if (refusal !== null) {
      log.warn(
        { stream: address.stream, peer: request.socket.remoteAddress, reason: refusal.reason },
        'play refused',
      );
      return this.#refuse(reply, refusal.status, refusal.reason, refusal.sentence);
    }
    const stream = delivery.find(address.stream);
    if (stream === null) return this.#refuse(reply, 404, 'no-such-stream', 'Nobody publishes this stream.');
    const gone = goneSignal(request, reply, this.#options.stopping);
    if (address.kind === 'multivariant') return this.#answerMultivariant(reply, request, stream, query, gone);
    if (address.kind === 'playlist')
      return this.#answerPlaylist(reply, request, stream, address, query, gone);
    return this.#answerMedia(reply, request, stream, address.file, gone);
  }

  async #answerMultivariant(
    reply: FastifyReply,
    request: FastifyRequest,
    stream: LiveStream,
    query: URLSearchParams,
    gone: AbortSignal,
  ): Promise<FastifyReply> {
    const [rendition] = stream.renditions.values();
    if (rendition !== undefined) await this.#untilFirst(rendition, gone);
    const text = multivariantText(this.#options.delivery, stream, carriedQuery(query));
    if (text === null) return this.#notYet(reply);
    this.#options.traffic.count('multivariant');
    return this.#sendPlaylist(reply, request, text, this.#caching('max-age=1'));
  }

  async #answerPlaylist(
    reply: FastifyReply,
    request: FastifyRequest,
    stream: LiveStream,
    { file }: StreamAddress & { kind: 'playlist' },
    query: URLSearchParams,
    gone: AbortSignal,
  ): Promise<FastifyReply> {
    const { renditions } = stream;
    const rendition = file === 'index' ? [...renditions.values()][0] : renditions.get(file as 'ts' | 'fmp4');
    if (rendition === undefined)
      return this.#refuse(reply, 404, 'no-such-container', `This server makes no HLS in ${file}.`);
    const asked = readDirectives(query);
    if (typeof asked === 'string') return this.#refuse(reply, 400, 'bad-directive', asked);
    const full = this.#full(request, stream);
    if (full !== null) {
      reply.header('retry-after', String(retryAfterS));
      return this.#refuse(reply, limitStatus(full), full, 'There are too many viewers; try again later.');
    }
    this.#options.viewers.note(request.socket, stream.name, performance.now(), Date.now());
    await this.#untilFirst(rendition, gone);
    const before = rendition.playlist();
    if (before === null) return this.#notYet(reply);
    const { targetDurationMs, partTargetMs, serverControl } = before;
    // Who was not told of blocking is not waited for (6.2.5.2); who asks after the end gets the end.
    const blocks = serverControl.canBlockReload && asked.sequence !== null && !before.ended;
    if (blocks) {
      if (isTooFarAhead(rendition.packager, asked, partTargetMs))
        return this.#refuse(reply, 400, 'too-far-ahead', '_HLS_msn or _HLS_part is too far ahead.');
      const isThere = await rendition.until(
        () => hasReached(rendition.packager, asked),
        MAX_WAIT_TARGETS * targetDurationMs,
        gone,
      );
      if (!isThere && !rendition.packager.ended) return this.#notYet(reply);
    }
    const others = this.#siblings(stream);
    const text = this.#playlists.text(
      rendition,
      others,
      asked.skip && serverControl.canSkipUntilMs !== null,
      carriedQuery(query),
    );
    if (text === null) return this.#notYet(reply);
    this.#options.traffic.count(blocks ? 'playlist-blocking' : 'playlist');
    // RFC 8216bis, 6.2.5.2 and appendix: what was waited for never changes again, so it may be kept for six target durations.
    const seconds = blocks ? (6 * targetDurationMs) / 1_000 : Math.floor(targetDurationMs / 2_000);
    const caching = seconds >= 1 ? `max-age=${Math.floor(seconds)}` : 'no-cache';
    return this.#sendPlaylist(reply, request, text, this.#caching(caching));
  }

  async #answerMedia(
    reply: FastifyReply,
    request: FastifyRequest,
    stream: LiveStream,
    file: string,
    gone: AbortSignal,
  ): Promise<FastifyReply> {
    const extension = file.slice(file.lastIndexOf('.') + 1) as keyof typeof TYPES;
    const rendition = [...stream.renditions.values()].find(
      ({ container }) => extension === 'key' || (container === 'ts') === (extension === 'ts'),
    );
    const bytes = rendition === undefined ? null : await this.#media(rendition, file, gone);
    if (bytes === null)
      return this.#refuse(reply, 404, 'no-such-segment', 'This is gone, or was never there.');
    const kind =
      extension === 'key' ? 'key' : file.includes('-init-') ? 'init' : isPart(file) ? 'part' : 'segment';
    this.#options.traffic.count(kind);
    // A name is never used twice.
    const caching = extension === 'key' ? 'no-store' : this.#caching('max-age=31536000, immutable');
    return this.#sendMedia(reply, request, TYPES[extension], caching, bytes);
  }

  async #media(rendition: Rendition, file: string, gone: AbortSignal): Promise<Uint8Array | null> {
    const { packager, keys } = rendition;
    if (keys !== null && file.endsWith('.key')) {
      const first = rendition.playlist()?.mediaSequence;
      return first === undefined ? null : keys.bytesOf(file, first, packager.openSequence);
    }
    const isHinted = () => rendition.playlist()?.preloadHints.some(({ url }) => url === file) === true;
    let bytes = packager.resource(file);
    if (bytes === null && isHinted()) {
      // A part that is hinted at is asked for before it is there; the hint may turn out wrong, where the segment ends.
      const { targetDurationMs } = rendition.playlist()!;
      await rendition.until(
        () => packager.resource(file) !== null || !isHinted(),
        MAX_WAIT_TARGETS * targetDurationMs,
        gone,
      );
      bytes = packager.resource(file);
    }
    if (bytes === null || keys === null) return bytes;
    // Parts of an encrypted stream would be clear pieces of it.
    const sequence = /-seg-(\d+)\.(?:ts|m4s)$/.exec(file)?.[1];
    if (sequence !== undefined) return keys.encrypt(bytes, Number(sequence));
    return file.includes('-init-') ? bytes : null;
  }

  /** The other variants of the multivariant playlist that this one stands in. */
  #siblings(stream: LiveStream): LiveStream[] {
    const { delivery } = this.#options;
    const rungs = delivery.rungs(stream.name);
    if (rungs.length > 0) return rungs;
    const sourceName = delivery.sourceOf(stream.name);
    const source = sourceName === null ? null : delivery.find(sourceName);
    if (source === null) return [];
    const all = delivery.rungs(source.name);
    return all.includes(stream) ? [source, ...all.filter((rung) => rung !== stream)] : [];
  }

  /** Which limit of viewers is reached; a viewer is a connection. */
  #full({ socket }: FastifyRequest, { name }: LiveStream): LimitFault | null {
    const { limits, delivery, log } = this.#options;
    const { remoteAddress, remotePort } = socket;
    const source = `/${delivery.sourceOf(name) ?? name}`;
    const fault = limits.seen(`${remoteAddress} ${remotePort}`, source, remoteAddress, performance.now());
    if (fault !== null) log.warn({ stream: name, peer: remoteAddress, reason: fault }, 'play refused');
    return fault;
  }

  #untilFirst(rendition: Rendition, gone: AbortSignal): Promise<boolean> {
    const timeoutMs = FIRST_SEGMENT_TARGETS * this.#options.segmentMs;
    return rendition.until(() => rendition.playlist() !== null, timeoutMs, gone);
  }

  #caching(directives: string): string {
    // With signatures each viewer has addresses of its own, which no shared cache should outlive.
    return directives === 'no-cache'
      ? directives
      : `${this.#options.gate.isOpen ? 'public' : 'private'}, ${directives}`;
  }

  #sendPlaylist(reply: FastifyReply, request: FastifyRequest, text: string, caching: string): FastifyReply {
    const etag = `"${createHash('sha1').update(text).digest('base64url').slice(0, 20)}"`;
    reply.header('content-type', TYPES.m3u8).header('cache-control', caching).header('etag', etag);
    reply.header('vary', 'Accept-Encoding');
    if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send();
    let body: Buffer = Buffer.from(text);
    if (body.length >= GZIP_FROM_BYTES && takesGzip(request.headers['accept-encoding'])) {
      body = gzipSync(body, { level: 4 });
      reply.header('content-encoding', 'gzip');
    }
    return this.#send(reply, body);
  }

  #sendMedia(
    reply: FastifyReply,
    request: FastifyRequest,
    type: string,
    caching: string,
    bytes: Uint8Array,
  ): FastifyReply {
    reply.header('content-type', type).header('cache-control', caching).header('accept-ranges', 'bytes');
    const range = readRange(request.headers.range, bytes.length);
    if (range.kind === 'unsatisfiable') {
      reply.header('content-range', `bytes */${bytes.length}`);
      return this.#refuse(reply, 416, 'bad-range', `This has ${bytes.length} bytes.`);
    }
    const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (range.kind === 'all') return this.#send(reply, whole);
    const { start, end } = range;
    reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${bytes.length}`);
    return this.#send(reply, whole.subarray(start, end));
  }

  #send(reply: FastifyReply, body: Buffer): FastifyReply {
    const { sendTimeoutMs, traffic } = this.#options;
    const { raw } = reply;
    if (reply.request.method !== 'HEAD') traffic.sent(body.length);
    // Who reads ever so slowly keeps a segment in memory that is long gone otherwise.
    const tooSlow = setTimeout(() => {
      traffic.refused('too-slow');
      raw.destroy();
    }, sendTimeoutMs);
    raw.once('close', () => clearTimeout(tooSlow));
    return reply.send(body);
  }

  #notYet(reply: FastifyReply): FastifyReply {
    reply.header('retry-after', '1');
    return this.#refuse(reply, 503, 'not-yet', 'There is nothing to play yet, or no longer; try again.');
  }

  #refuse(reply: FastifyReply, status: number, reason: string, sentence: string): FastifyReply {
    this.#options.traffic.refused(reason);
    return reply
      .code(status)
      .header('cache-control', 'no-store')
      .type('text/plain; charset=utf-8')
      .send(`${sentence}\n`);
  }
}

const addressRule =
  '/APP/NAME.m3u8 and below /APP/NAME/, with an application (1 to 64) and a name (1 to 128 characters) of letters, digits, "-" and "_"';

function isPart(file: string): boolean {
  return /-seg-\d+\.\d+\./.test(file);
}

function matches(header: string | undefined, etag: string): boolean {
  return header?.split(',').some((one) => one.trim().replace(/^W\//, '') === etag) === true;
}

function takesGzip(header: string | string[] | undefined): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(String(header ?? ''));
}

/** Aborted when the client has gone, or the server stops. */
function goneSignal(request: FastifyRequest, reply: FastifyReply, stopping: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (stopping.aborted || request.socket.destroyed) abort();
  stopping.addEventListener('abort', abort, { once: true });
  reply.raw.once('close', () => {
    stopping.removeEventListener('abort', abort);
    abort();
  });
  return controller.signal;
}
