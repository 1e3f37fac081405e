import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type net from 'node:net';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { codecString } from '../../core/hls/codec-string.ts';
import { skippable, type WrittenPlaylist, writeMediaPlaylist } from '../../core/hls/write-media-playlist.ts';
import { writeMultivariantPlaylist } from '../../core/hls/write-multivariant-playlist.ts';
import { SegmentEncryption } from './hls-encryption.ts';
import { type Misbehaviour, misbehave, type ResourceKind, sendSlowly } from './hls-misbehaviour.ts';
import type { HlsOrigin, HlsOriginOptions, OriginCounts, OriginVariant } from './hls-origin-options.ts';
import { SegmentRanges } from './hls-ranges.ts';
import { HlsRendition } from './hls-rendition.ts';
import { knownMedia } from './live-media.ts';

export type { HlsOrigin, HlsOriginOptions, OriginCounts, OriginVariant };

const ONLY = '';
/** Between an answer and the end of its connection: the player has it, and has perhaps asked for more. */
const CLOSE_AFTER_MS = 5;
const TICK_MS = 5;
/** What a request for a playlist or part that is not there yet waits for; RFC 8216bis, 6.2.5.2 wants three target durations. */
const MAX_BLOCK_MS = 10_000;
const MAX_LOG = 100_000;
const TYPES: Readonly<Record<string, string>> = {
  m3u8: 'application/vnd.apple.mpegurl',
  ts: 'video/mp2t',
  m4s: 'video/iso.segment',
  mp4: 'video/mp4',
  key: 'application/octet-stream',
};
const HOP = /^\/hop\/(\d+)(\/.*)$/;

/**
 * A live HLS origin on loopback, in the test's own process. Media comes to it in real time: a segment appears when the last of its
 * frames has been captured, and each frame is stamped with its capture time, so that a viewer's latency is known beforehand.
 *
 *     /live/main.m3u8            multivariant, if there are variants
 *     /live/<variant>/index.m3u8 or /live/index.m3u8     media playlists; segments beside them
 */
export async function startHlsOrigin(options: HlsOriginOptions = {}): Promise<HlsOrigin> {
  const origin = new Origin(options);
  await origin.listen();
  return origin;
}

class Origin implements HlsOrigin {
  readonly counts: OriginCounts = {
    requests: 0,
    connections: 0,
    openConnections: 0,
    playlists: 0,
    segments: 0,
    parts: 0,
    inits: 0,
    keys: 0,
    redirects: 0,
    notFound: 0,
    bytes: 0,
  };
  readonly paths = new Map<string, number>();
  readonly log: string[] = [];
  readonly startWallMs: number;
  readonly misbehaviour: Misbehaviour;
  readonly #encryption: SegmentEncryption | null;
  readonly #answers = new WeakMap<net.Socket, number>();
  /** What frozen playlists show. */
  readonly #frozen = new Map<HlsRendition, WrittenPlaylist>();
  readonly #ranges = new Map<HlsRendition, SegmentRanges>();
  readonly #options: HlsOriginOptions;
  readonly #renditions: ReadonlyMap<string, HlsRendition>;
  readonly #server = http.createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  readonly #sockets = new Set<net.Socket>();
  readonly #startMs: number;
  readonly #timer: NodeJS.Timeout;
  #stopped = false;

  constructor(options: HlsOriginOptions) {
    this.#options = options;
    this.misbehaviour = { ...options.misbehave };
    this.#encryption = options.aes128 ? new SegmentEncryption(options.aes128) : null;
    if (options.aes128 && (options.partMs !== undefined || options.byteRanges)) {
      throw new Error('the origin encrypts whole segments only: no parts, no byte ranges');
    }
    const { segmentMs = 1_000, container = 'ts', type = 'live', historyMs = 5 * segmentMs } = options;
    // One picture more closes the last segment of what is there already.
    this.#startMs = performance.now() - historyMs;
    this.startWallMs = performance.timeOrigin + this.#startMs;
    const variants = options.variants ?? [{ name: ONLY, media: options.media ?? knownMedia() }];
    this.#renditions = new Map(
      variants.map(({ name, media }) => {
        const rendition = new HlsRendition(
          {
            media,
            container,
            segmentMs,
            type,
            leapsAtMs: options.discontinuityAtMs ?? [],
            partMs: options.partMs ?? null,
            deltaUpdates: options.deltaUpdates ?? false,
            ...(options.windowSegments === undefined ? {} : { windowSegments: options.windowSegments }),
          },
          this.startWallMs,
        );
        rendition.advance(historyMs);
        if (type === 'vod') rendition.end();
        return [name, rendition];
      }),
    );
    this.#timer = setInterval(() => this.#advance(), TICK_MS);
    this.#server.keepAliveTimeout = 60_000;
    this.#server.on('connection', (socket) => {
      this.counts.connections++;
      this.counts.openConnections++;
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.counts.openConnections--;
        this.#sockets.delete(socket);
      });
    });
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return this.#options.variants ? `http://127.0.0.1:${this.port}/live/main.m3u8` : this.mediaUrl();
  }

  mediaUrl(variant = ONLY): string {
    return `http://127.0.0.1:${this.port}/live/${variant === ONLY ? '' : `${variant}/`}index.m3u8`;
  }

  rendition(variant = this.#options.variants?.[0]?.name ?? ONLY): HlsRendition {
    const rendition = this.#renditions.get(variant);
    if (rendition === undefined) throw new Error(`the origin has no variant ${JSON.stringify(variant)}`);
    return rendition;
  }

  end(): void {
    for (const rendition of this.#renditions.values()) rendition.end();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    this.end();
    await closed;
  }

  #advance(): void {
    const mediaMs = performance.now() - this.#startMs;
    for (const rendition of this.#renditions.values()) {
      rendition.advance(mediaMs);
      if (this.#options.byteRanges) this.#rangesOf(rendition).learn();
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://origin');
    this.counts.requests++;
    this.paths.set(url.pathname, (this.paths.get(url.pathname) ?? 0) + 1);
    if (this.log.length < MAX_LOG) this.log.push(`${request.method} ${request.url}`);
    this.#closeAfterEnough(request.socket, response);

    const hop = HOP.exec(url.pathname);
    const pathname = hop?.[2] ?? url.pathname;
    const [, folder, ...rest] = pathname.split('/');
    const name = rest.pop() ?? '';
    const hops = hop ? Number(hop[1]) : isPlaylist(name) ? (this.#options.redirects ?? 0) : 0;
    if (hops > 0) {
      this.counts.redirects++;
      response.writeHead(302, { location: `/hop/${hops - 1}${pathname}${url.search}`, 'content-length': 0 });
      response.end();
      return;
    }
    const rendition = this.#renditions.get(rest.join('/'));
    const isMultivariant = name === 'main.m3u8' && this.#options.variants !== undefined;
    if (folder !== 'live' || (rendition === undefined && !isMultivariant)) this.#refuse(response, 404);
    else if (await misbehave(this.misbehaviour, kindOf(name), request, response)) return;
    else if (isMultivariant) this.#sendPlaylist(request, response, 'multivariant', this.#multivariant());
    else if (rendition === undefined) this.#refuse(response, 404);
    else if (name === 'index.m3u8') await this.#answerPlaylist(request, response, rendition, url);
    else await this.#answerMedia(request, response, rendition, name);
  }

  async #answerPlaylist(
    request: IncomingMessage,
    response: ServerResponse,
    rendition: HlsRendition,
    url: URL,
  ): Promise<void> {
    const sequence = url.searchParams.get('_HLS_msn');
    const part = url.searchParams.get('_HLS_part');
    if (sequence !== null) {
      // 6.2.5.2: more than two segments ahead is a mistake.
      if (Number(sequence) > rendition.packager.openSequence + 2) return this.#refuse(response, 400);
      const wanted = Number(sequence);
      await this.#until(rendition, () => hasReached(rendition, wanted, part === null ? null : Number(part)));
    } else await this.#until(rendition, () => rendition.playlist() !== null);
    const playlist = rendition.playlist();
    if (playlist === null) return this.#refuse(response, 503);
    const written = this.#altered(playlist, rendition);
    const skip = url.searchParams.has('_HLS_skip') ? skippable(written) : 0;
    this.#sendPlaylist(request, response, 'playlist', writeMediaPlaylist(written, skip));
  }

  async #answerMedia(
    request: IncomingMessage,
    response: ServerResponse,
    rendition: HlsRendition,
    name: string,
  ): Promise<void> {
    const kind = kindOf(name);
    // A part that is hinted is asked for before it is there.
    const isHinted = rendition.playlist()?.preloadHints.some(({ url }) => url === name);
    if (isHinted) await this.#until(rendition, () => rendition.packager.resource(name) !== null);
    const bytes = kind === 'key' ? this.#keyBytes(name) : this.#mediaBytes(rendition, name);
    if (bytes === null) return this.#refuse(response, 404);
    this.counts[`${kind as 'segment' | 'part' | 'init' | 'key'}s`]++;
    this.#send(request, response, kind, name, bytes);
  }

  #keyBytes(name: string): Uint8Array | null {
    const key = this.#encryption?.keyBytes(name) ?? null;
    const { keyBytes } = this.misbehaviour;
    return key === null || keyBytes === undefined ? key : Buffer.alloc(keyBytes, key);
  }

  #mediaBytes(rendition: HlsRendition, name: string): Uint8Array | null {
    const { packager } = rendition;
    if (this.#options.byteRanges && name.startsWith('range-')) return this.#rangesOf(rendition).bytes(name);
    const bytes = packager.resource(name);
    const sequence = /^seg-(\d+)\.\w+$/.exec(name)?.[1];
    if (bytes === null || sequence === undefined) return bytes;
    const { gaps } = this.#options;
    const { missingSegments } = this.misbehaviour;
    if ([...(gaps ?? []), ...(missingSegments ?? [])].includes(Number(sequence))) return null;
    return this.#encryption?.encrypt(bytes, Number(sequence)) ?? bytes;
  }

  /** The packager's playlist with what the origin adds to it. */
  #altered(fresh: WrittenPlaylist, rendition: HlsRendition): WrittenPlaylist {
    const { frozen, sequenceShift = 0 } = this.misbehaviour;
    if (!frozen) this.#frozen.delete(rendition);
    else if (!this.#frozen.has(rendition)) this.#frozen.set(rendition, fresh);
    const playlist = this.#frozen.get(rendition) ?? fresh;
    const { gaps = [], byteRanges } = this.#options;
    const segments = playlist.segments.map((segment) => {
      const { sequence } = segment;
      const gap = gaps.includes(sequence);
      const key = this.#encryption?.keyOf(sequence) ?? null;
      return { ...segment, gap, key, ...(byteRanges ? this.#rangesOf(rendition).place(segment) : {}) };
    });
    const mediaSequence = Math.max(0, playlist.mediaSequence + sequenceShift);
    return this.#withReports({ ...playlist, mediaSequence, segments }, rendition);
  }

  #rangesOf(rendition: HlsRendition): SegmentRanges {
    let ranges = this.#ranges.get(rendition);
    if (ranges === undefined) {
      ranges = new SegmentRanges(rendition.packager);
      this.#ranges.set(rendition, ranges);
    }
    return ranges;
  }

  #withReports(playlist: WrittenPlaylist, of: HlsRendition): WrittenPlaylist {
    if (this.#options.partMs === undefined || this.#renditions.size === 1) return playlist;
    const renditionReports = Array.from(this.#renditions)
      .filter(([, rendition]) => rendition !== of)
      .map(([name, { packager }]) => {
        const isBetween = packager.openParts === 0;
        const lastSequence = packager.openSequence - (isBetween ? 1 : 0);
        const parts = isBetween ? (packager.segment(lastSequence)?.parts.length ?? 1) : packager.openParts;
        return { url: `../${name}/index.m3u8`, lastSequence, lastPart: parts - 1 };
      });
    return { ...playlist, renditionReports };
  }

  #multivariant(): string {
    const variants = (this.#options.variants ?? []).map(({ name, bandwidth, width, height }) => ({
      url: `${name}/index.m3u8`,
      bandwidth,
      averageBandwidth: null,
      codecs: this.rendition(name)
        .packager.tracks.map(codecString)
        .filter((codec) => codec !== null),
      width: width ?? null,
      height: height ?? null,
      frameRate: null,
      audio: null,
      video: null,
      subtitles: null,
      pathway: '.',
      score: null,
    }));
    return writeMultivariantPlaylist({ independentSegments: true, variants, renditions: [] });
  }

  async #until(rendition: HlsRendition, isThere: () => boolean): Promise<void> {
    const giveUpMs = performance.now() + MAX_BLOCK_MS;
    while (!isThere() && !rendition.packager.ended && !this.#stopped && performance.now() < giveUpMs) {
      await rendition.changed();
    }
  }

  #sendPlaylist(
    request: IncomingMessage,
    response: ServerResponse,
    kind: 'multivariant' | 'playlist',
    text: string,
  ): void {
    this.counts.playlists++;
    this.#send(request, response, kind, 'index.m3u8', Buffer.from(text));
  }

  #send(
    request: IncomingMessage,
    response: ServerResponse,
    kind: ResourceKind,
    name: string,
    bytes: Uint8Array,
  ): void {
    response.setHeader('content-type', TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'video/mp2t');
    response.setHeader('cache-control', isPlaylist(name) ? 'no-cache' : 'max-age=60');
    response.setHeader('access-control-allow-origin', '*');
    let body = bytes;
    let status = 200;
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const takesGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    if (range) {
      const first = Number(range[1]);
      if (first >= bytes.length) {
        this.#refuse(response, 416);
        return;
      }
      body = bytes.subarray(first, range[2] === '' ? bytes.length : Number(range[2]) + 1);
      status = 206;
      response.setHeader('content-range', `bytes ${first}-${first + body.length - 1}/${bytes.length}`);
    } else if (this.#options.gzip && isPlaylist(name) && takesGzip) {
      body = gzipSync(bytes);
      response.setHeader('content-encoding', 'gzip');
    }
    response.setHeader('content-length', body.length);
    this.counts.bytes += body.length;
    const { trickle, cutMidway } = this.misbehaviour;
    response.writeHead(status);
    if (cutMidway?.kind === kind && cutMidway.times > 0) {
      cutMidway.times--;
      response.write(body.subarray(0, body.length >> 1), () => response.socket?.destroy());
    } else if (trickle?.kind === kind) void sendSlowly(response, body, trickle.bytesPerSecond);
    else response.end(request.method === 'HEAD' ? undefined : body);
  }

  #closeAfterEnough(socket: net.Socket, response: ServerResponse): void {
    const answers = (this.#answers.get(socket) ?? 0) + 1;
    this.#answers.set(socket, answers);
    const { closeAfterAnswers } = this.misbehaviour;
    if (closeAfterAnswers === undefined || answers < closeAfterAnswers) return;
    response.on('finish', () => setTimeout(() => socket.end(), CLOSE_AFTER_MS));
  }

  #refuse(response: ServerResponse, status: number): void {
    if (status === 404) this.counts.notFound++;
    response.writeHead(status, { 'content-length': 0 }).end();
  }
}

/** 6.2.5.2: the playlist has that segment, or that part of it or a later one. */
function hasReached({ packager }: HlsRendition, sequence: number, part: number | null): boolean {
  const { openSequence, openParts } = packager;
  if (packager.playlist() === null) return false;
  return openSequence > sequence || (part !== null && openSequence === sequence && openParts > part);
}

function isPlaylist(name: string): boolean {
  return name.endsWith('.m3u8');
}

function kindOf(name: string): ResourceKind {
  if (name === 'main.m3u8') return 'multivariant';
  if (isPlaylist(name)) return 'playlist';
  if (name.endsWith('.key')) return 'key';
  if (name.endsWith('.mp4')) return 'init';
  return /\.\d+\.\w+$/.test(name) ? 'part' : 'segment';
}
