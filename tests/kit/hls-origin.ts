import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type net from 'node:net';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Container } from '../../core/hls/segment-muxer.ts';
import { skippable, type WrittenPlaylist, writeMediaPlaylist } from '../../core/hls/write-media-playlist.ts';
import { writeMultivariantPlaylist } from '../../core/hls/write-multivariant-playlist.ts';
import { HlsRendition } from './hls-rendition.ts';
import { knownMedia, type LiveMedia } from './live-media.ts';

/**
 * A live HLS origin on loopback, in the test's own process. Media comes to it in real time: a segment appears when the last of its
 * frames has been captured, and each frame is stamped with its capture time, so that a viewer's latency is known beforehand.
 *
 *     /live/main.m3u8            multivariant, if there are variants
 *     /live/<variant>/index.m3u8 or /live/index.m3u8     media playlists; segments beside them
 */
export interface HlsOriginOptions {
  /** Default `knownMedia()`. */
  readonly media?: LiveMedia;
  /** Instead of `media`: a multivariant playlist of these. */
  readonly variants?: readonly OriginVariant[];
  readonly container?: Container;
  /** Default 1,000. */
  readonly segmentMs?: number;
  /** Low-latency HLS with parts of so many milliseconds. */
  readonly partMs?: number;
  /** Default `live`. */
  readonly type?: 'live' | 'event' | 'vod';
  readonly windowSegments?: number;
  /** Media that is there at the beginning, as if the stream had begun so much earlier (VOD: all of it). Default: five segments. */
  readonly historyMs?: number;
  readonly deltaUpdates?: boolean;
  /** Playlists are sent compressed to whoever takes that. */
  readonly gzip?: boolean;
  /** Media times at which timestamps leap, which makes a discontinuity. */
  readonly discontinuityAtMs?: readonly number[];
}

export interface OriginVariant {
  readonly name: string;
  readonly media: LiveMedia;
  /** Peak bits per second, as the multivariant playlist says. */
  readonly bandwidth: number;
  readonly width?: number;
  readonly height?: number;
}

export interface OriginCounts {
  requests: number;
  /** TCP connections, ever. */
  connections: number;
  openConnections: number;
  playlists: number;
  segments: number;
  parts: number;
  inits: number;
  notFound: number;
  /** Of bodies. */
  bytes: number;
}

export interface HlsOrigin {
  readonly port: number;
  /** Where a player starts. */
  readonly url: string;
  /** Of a variant's media playlist; of the only one without a name. */
  mediaUrl(variant?: string): string;
  readonly counts: Readonly<OriginCounts>;
  /** How often each path was asked for. */
  readonly paths: ReadonlyMap<string, number>;
  /** The requests in order: method and target. */
  readonly log: readonly string[];
  /** Wall clock at media time 0. */
  readonly startWallMs: number;
  rendition(variant?: string): HlsRendition;
  /** The stream is over: EXT-X-ENDLIST. */
  end(): void;
  stop(): Promise<void>;
}

const ONLY = '';
const TICK_MS = 5;
/** What a request for a playlist or part that is not there yet waits for; RFC 8216bis, 6.2.5.2 wants three target durations. */
const MAX_BLOCK_MS = 10_000;
const MAX_LOG = 100_000;
const TYPES: Readonly<Record<string, string>> = {
  m3u8: 'application/vnd.apple.mpegurl',
  ts: 'video/mp2t',
  m4s: 'video/iso.segment',
  mp4: 'video/mp4',
};

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
    notFound: 0,
    bytes: 0,
  };
  readonly paths = new Map<string, number>();
  readonly log: string[] = [];
  readonly startWallMs: number;
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
    for (const rendition of this.#renditions.values()) rendition.advance(mediaMs);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://origin');
    this.counts.requests++;
    this.paths.set(url.pathname, (this.paths.get(url.pathname) ?? 0) + 1);
    if (this.log.length < MAX_LOG) this.log.push(`${request.method} ${request.url}`);

    const [, folder, ...rest] = url.pathname.split('/');
    const name = rest.pop() ?? '';
    const rendition = this.#renditions.get(rest.join('/'));
    if (folder === 'live' && name === 'main.m3u8' && this.#options.variants) {
      this.#sendPlaylist(request, response, this.#multivariant());
    } else if (folder !== 'live' || rendition === undefined) this.#refuse(response, 404);
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
      await this.#until(rendition, () =>
        hasReached(rendition, Number(sequence), part === null ? null : Number(part)),
      );
    } else await this.#until(rendition, () => rendition.playlist() !== null);
    const playlist = rendition.playlist();
    if (playlist === null) return this.#refuse(response, 503);
    const written = this.#withReports(playlist, rendition);
    const skip = url.searchParams.has('_HLS_skip') ? skippable(written) : 0;
    this.#sendPlaylist(request, response, writeMediaPlaylist(written, skip));
  }

  async #answerMedia(
    request: IncomingMessage,
    response: ServerResponse,
    rendition: HlsRendition,
    name: string,
  ): Promise<void> {
    // A part that is hinted is asked for before it is there.
    const isHinted = rendition.playlist()?.preloadHints.some(({ url }) => url === name);
    if (isHinted) await this.#until(rendition, () => rendition.packager.resource(name) !== null);
    const bytes = rendition.packager.resource(name);
    if (bytes === null) return this.#refuse(response, 404);
    if (name.endsWith('.mp4')) this.counts.inits++;
    else if (/\.\d+\.\w+$/.test(name)) this.counts.parts++;
    else this.counts.segments++;
    this.#send(request, response, name, bytes);
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
      codecs: [],
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

  #sendPlaylist(request: IncomingMessage, response: ServerResponse, text: string): void {
    this.counts.playlists++;
    this.#send(request, response, 'index.m3u8', Buffer.from(text));
  }

  #send(request: IncomingMessage, response: ServerResponse, name: string, bytes: Uint8Array): void {
    const type = name.slice(name.lastIndexOf('.') + 1);
    response.setHeader('content-type', TYPES[type] ?? 'application/octet-stream');
    response.setHeader('cache-control', type === 'm3u8' ? 'no-cache' : 'max-age=60');
    response.setHeader('access-control-allow-origin', '*');
    let body = bytes;
    const takesGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    if (this.#options.gzip && type === 'm3u8' && takesGzip) {
      body = gzipSync(bytes);
      response.setHeader('content-encoding', 'gzip');
    }
    response.setHeader('content-length', body.length);
    this.counts.bytes += body.length;
    response.writeHead(200).end(request.method === 'HEAD' ? undefined : body);
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
