import { createDecipheriv, type Decipher } from 'node:crypto';
import type { AccessUnitSink } from '../../core/access-unit.ts';
import { endSequence } from '../../core/hls/changes.ts';
import {
  initializationVector,
  type Key,
  type MediaMap,
  type MediaPlaylist,
} from '../../core/hls/media-playlist.ts';
import type { MultivariantPlaylist } from '../../core/hls/multivariant-playlist.ts';
import { nextReload } from '../../core/hls/reload.ts';
import { withoutCmcd } from '../../core/hls-player/cmcd.ts';
import { Cursor, type Item } from '../../core/hls-player/cursor.ts';
import { SegmentReader } from '../../core/hls-player/segment-reader.ts';
import { type Position, startPosition } from '../../core/hls-player/start-position.ts';
import { ProtocolError } from '../../core/media.ts';
import type { HttpRequest } from '../http/http-connections.ts';
import type { HttpAsked, HttpHandler } from '../http/http-options.ts';
import type { HttpHead } from '../http-response.ts';
import type { Failure } from '../reason.ts';
import { Ending } from '../socket-viewer.ts';
import { PlaylistIntake } from './playlist-cache.ts';

/** What a request is for. */
export type Asking = 'playlist' | 'init' | 'key' | Item;

/** The viewer, as its tracks see it. */
export interface TrackOwner {
  /** The clock's, of the event under way. */
  readonly eventMs: number;
  readonly lowLatency: boolean;
  get(track: MediaTrack, asking: Asking, asked: HttpAsked, handler: HttpHandler): HttpRequest;
  /** Bytes have come, whatever of. */
  arrived(): void;
  /** A playlist's answer is a yes. */
  answered(): void;
  /** The URL led to a playlist of playlists: only the first may. */
  multivariant(playlist: MultivariantPlaylist): void;
  playlistLoaded(track: MediaTrack, changed: boolean): void;
  /** The first segment to load has been chosen. */
  placed(track: MediaTrack, position: Position): void;
  /** What the cursor points at is no longer in the playlist. */
  fellBehind(track: MediaTrack): void;
  /** Whether another segment may be loaded now; asked before each. */
  wants(track: MediaTrack): boolean;
  discontinuity(track: MediaTrack): void;
  loaded(track: MediaTrack, item: Item, request: HttpRequest): void;
  /** The playlist has ended, and all of it has been loaded. */
  over(track: MediaTrack): void;
  failed(track: MediaTrack, asking: Asking, failure: Failure, status: number | null): void;
  key(url: string): Uint8Array | undefined;
  keepKey(url: string, key: Uint8Array): void;
}

const KEY_BYTES = 16;
const MAX_INIT_BYTES = 2 * 1024 * 1024;
const MAX_PLAYLIST_BYTES = 8 * 1024 * 1024;
/** A cache may be behind by so many segments; more, and the server has begun anew. */
const MAX_STALE_SEGMENTS = 3;
/** 6.2.5.2: a server may hold a blocking reload for this many target durations. */
const BLOCKING_TARGETS = 3;
/** hls.js's `playlistLoadPolicy.maxLoadTimeMs`: a playlist that drips is no use when it has come. */
const MAX_PLAYLIST_LOAD_MS = 20_000;

/**
 * One media playlist and its segments, as a viewer loads them: two requests at a time at most, one of each.
 *
 *     playlist ─► reload ─► …
 *         └► cursor ─► init segment, key ─► segment or part ─► SegmentReader ─► sink
 */
export class MediaTrack {
  /** Without delivery directives; as the server redirected it. */
  url: string;
  playlist: MediaPlaylist | null = null;
  variables: ReadonlyMap<string, string> | undefined;
  readonly cursor = new Cursor();
  changedMs = Number.NaN;
  playlistMs = Number.NaN;
  /** When to load the playlist again; infinite while that is under way, or not due. */
  reloadAtMs = Number.POSITIVE_INFINITY;
  /** A failed segment is tried again then. */
  retryAtMs = Number.NEGATIVE_INFINITY;
  failures = 0;
  readonly #owner: TrackOwner;
  readonly #reader: SegmentReader;
  readonly #playlistLoad = new PlaylistHandler(this);
  readonly #mediaLoad = new MediaHandler(this);
  #reloadUrl = '';
  #loadStartedMs = 0;
  #playlistRequest: HttpRequest | null = null;
  #mediaRequest: HttpRequest | null = null;
  #asking: Exclude<Asking, 'playlist'> = 'init';
  #map = '';
  #keyBytes: number[] = [];
  #decipher: Decipher | null = null;
  #discontinuity = Number.NaN;
  #hintFailed = false;
  #wasPlaced = false;
  #mayRestart = false;
  #forOtherClock = false;

  constructor(owner: TrackOwner, url: string, sink: AccessUnitSink, headBytes: number) {
    this.#owner = owner;
    this.url = url;
    this.#reader = new SegmentReader(sink, headBytes);
  }

  get item(): Item | null {
    return this.#mediaRequest !== null && typeof this.#asking === 'object' ? this.#asking : null;
  }

  get request(): HttpRequest | null {
    return this.#mediaRequest;
  }

  /** Loads the playlist at once: the first time, or again from `url`. */
  load(url = this.url): void {
    this.#playlistRequest?.abort();
    const { playlist } = this;
    const isBlocking = url.includes('_HLS_msn=');
    this.reloadAtMs = Number.POSITIVE_INFINITY;
    this.#loadStartedMs = this.#owner.eventMs;
    const longest = isBlocking && playlist !== null ? BLOCKING_TARGETS * playlist.targetDurationMs : 0;
    this.#playlistRequest = this.#owner.get(
      this,
      'playlist',
      {
        url,
        what: 'playlist',
        maxBodyBytes: MAX_PLAYLIST_BYTES,
        timeouts: {
          totalMs: longest + MAX_PLAYLIST_LOAD_MS,
          ...(longest > 10_000 && { firstByteMs: longest }),
        },
      },
      this.#playlistLoad,
    );
  }

  /** Another rendition from the next segment on. */
  switchTo(url: string): void {
    this.url = url;
    this.playlist = null;
    this.#forOtherClock = true;
    this.load(url);
  }

  /** Does what is due. */
  wake(nowMs: number): void {
    if (nowMs >= this.reloadAtMs) this.load(this.#reloadUrl);
    this.pump();
  }

  /** Loads the next segment, if there is one and none is under way. */
  pump(): void {
    const { playlist } = this;
    if (this.#mediaRequest !== null || playlist === null || !this.cursor.placed) return;
    if (this.#owner.eventMs < this.retryAtMs || !this.#owner.wants(this)) return;
    let next = this.cursor.next(playlist, this.#owner.lowLatency);
    if (next === 'behind') {
      this.#owner.fellBehind(this);
      const position = startPosition(playlist, this.#owner.lowLatency);
      if (position === null) return;
      this.cursor.place(position);
      next = this.cursor.next(playlist, this.#owner.lowLatency);
    }
    if (next === 'over') this.#owner.over(this);
    if (typeof next === 'string' || (next.kind === 'hint' && this.#hintFailed)) return;
    this.#fetch(next);
  }

  /** The segment under way is given up, and its connection with it. */
  abortMedia(): void {
    this.#mediaRequest?.abort();
    this.#mediaRequest = null;
  }

  abort(): void {
    this.#playlistRequest?.abort();
    this.#playlistRequest = null;
    this.abortMedia();
    this.reloadAtMs = Number.POSITIVE_INFINITY;
  }

  /** As at the beginning: nothing is known but where the playlist is. */
  forget(url: string): void {
    this.abort();
    this.url = url;
    this.playlist = null;
    this.cursor.sequence = Number.NaN;
    this.cursor.part = 0;
    this.#forOtherClock = true;
  }

  /** After a loss: goes on with what is missing. */
  resume(): void {
    if (
      this.#playlistRequest === null &&
      this.reloadAtMs === Number.POSITIVE_INFINITY &&
      !this.playlist?.ended
    ) {
      this.load();
    }
    this.pump();
  }

  /** The segment under way cannot be had: goes on with the next. */
  pass(item: Item): void {
    this.cursor.passed(item);
    this.failures = 0;
    this.retryAtMs = Number.NEGATIVE_INFINITY;
  }

  /** The hinted part did not come: not asked for again until the playlist says what is. */
  forgetHint(): void {
    this.#hintFailed = true;
  }

  // Of the two handlers

  get owner(): TrackOwner {
    return this.#owner;
  }

  takePlaylist(playlist: MediaPlaylist | MultivariantPlaylist): void {
    this.#playlistRequest = null;
    const owner = this.#owner;
    if (playlist.kind === 'multivariant') {
      owner.multivariant(playlist);
      return;
    }
    const previous = this.playlist;
    const changed = previous === null || hasChanged(previous, playlist);
    if (previous !== null && this.#isRestart(previous, playlist)) {
      this.cursor.sequence = Number.NaN;
      this.#forOtherClock = true;
      owner.discontinuity(this);
    }
    this.#mayRestart = false;
    this.playlist = playlist;
    this.playlistMs = owner.eventMs;
    if (changed) {
      this.changedMs = owner.eventMs;
      this.#hintFailed = false;
    }
    const reload = nextReload(playlist, {
      loadStartedMs: this.#loadStartedMs,
      loadEndedMs: owner.eventMs,
      changed,
      url: this.url,
      lowLatency: owner.lowLatency,
    });
    this.reloadAtMs = reload?.atMs ?? Number.POSITIVE_INFINITY;
    this.#reloadUrl = reload?.url ?? this.url;
    if (!this.cursor.placed || this.cursor.sequence > endSequence(playlist) + 1) this.#place(playlist);
    owner.playlistLoaded(this, changed);
    this.wake(owner.eventMs);
  }

  /** The next playlist may be that of a server which has begun anew. */
  mayRestart(): void {
    this.#mayRestart = true;
  }

  /** Numbers went back: a cache's older version, which is waited out, or a packager that has begun anew. */
  #isRestart(previous: MediaPlaylist, next: MediaPlaylist): boolean {
    const back = endSequence(previous) - endSequence(next);
    if (!this.#mayRestart) return back > MAX_STALE_SEGMENTS;
    const last = previous.segments.at(-1);
    const same = last && next.segments[last.sequence - next.mediaSequence];
    return back > 0 || (same !== undefined && pathOf(same.url) !== pathOf(last?.url ?? ''));
  }

  #place(playlist: MediaPlaylist): void {
    const position = startPosition(playlist, this.#owner.lowLatency);
    if (position === null) return;
    const isFirst = !this.#wasPlaced;
    this.#wasPlaced = true;
    this.cursor.place(position);
    if (isFirst) this.#owner.placed(this, position);
  }

  playlistFailed(failure: Failure, status: number | null): void {
    this.#playlistRequest = null;
    this.#owner.failed(this, 'playlist', failure, status);
  }

  playlistThrew(error: unknown): void {
    this.#playlistRequest = null;
    if (error instanceof ProtocolError && error.code === 'HLS_DELTA_GAP') {
      // 6.2.5.1: what a delta update leaves out has been missed: all of it is asked for.
      this.load();
      return;
    }
    this.#owner.failed(this, 'playlist', brokenBy(error, 'playlist', this.url), null);
  }

  #fetch(item: Item): void {
    const { map, key } = item;
    const mapName = map === null ? '' : `${map.url}@${map.range?.offset ?? 0}+${map.range?.length ?? ''}`;
    const needed = mapName !== '' && mapName !== this.#map ? (map!.key ?? key) : key;
    if (needed !== null && this.#owner.key(needed.url ?? '') === undefined) {
      this.#fetchKey(needed);
      return;
    }
    if (map !== null && mapName !== this.#map) {
      this.#fetchMap(map, mapName, item.sequence);
      return;
    }
    const { url, range } = item;
    const what = item.kind === 'segment' ? 'segment' : 'part';
    this.#ask(item, range === null ? { url, what } : { url, what, range });
    this.#decipher = this.#decipherOf(key, item.sequence);
  }

  #fetchKey(key: Key): void {
    if (key.method !== 'AES-128' || key.keyFormat !== 'identity' || key.url === null) {
      const what = key.keyFormat === 'identity' ? key.method : `${key.method} of ${key.keyFormat}`;
      const detail = `${this.url.replace(/[?#].*$/, '')} is encrypted with ${what}, which this viewer cannot undo; it can AES-128 with a key file`;
      this.#owner.failed(this, 'key', { reason: 'bad-media', detail }, null);
      return;
    }
    this.#keyBytes = [];
    this.#keyUrl = key.url;
    this.#ask('key', { url: key.url, what: 'key', maxBodyBytes: 4_096 });
  }
  #keyUrl = '';
  #pendingMap = '';

  #fetchMap(map: MediaMap, name: string, sequence: number): void {
    this.#pendingMap = name;
    this.#ask('init', { url: map.url, what: 'init segment', maxBodyBytes: MAX_INIT_BYTES, range: map.range });
    this.#decipher = this.#decipherOf(map.key, sequence);
    this.#reader.begin(map.range?.offset ?? 0);
  }

  #ask(asking: Exclude<Asking, 'playlist'>, asked: HttpAsked): void {
    this.#asking = asking;
    this.#mediaRequest = this.#owner.get(this, asking, asked, this.#mediaLoad);
  }

  #decipherOf(key: Key | null, sequence: number): Decipher | null {
    if (key === null) return null;
    const secret = this.#owner.key(key.url ?? '');
    return secret ? createDecipheriv('aes-128-cbc', secret, initializationVector(key, sequence)) : null;
  }

  mediaHead(): void {
    const asking = this.#asking;
    if (typeof asking !== 'object') return;
    if (!Number.isNaN(this.#discontinuity) && asking.discontinuity !== this.#discontinuity) {
      this.#reader.discontinuity();
      this.#owner.discontinuity(this);
    } else if (this.#forOtherClock) this.#reader.discontinuity();
    this.#forOtherClock = false;
    this.#discontinuity = asking.discontinuity;
    this.#reader.begin(asking.range?.offset ?? 0);
  }

  mediaBody(bytes: Uint8Array, start: number, end: number): void {
    if (this.#asking === 'key')
      this.#keyBytes.push(...bytes.subarray(start, Math.min(end, start + KEY_BYTES + 1)));
    else if (this.#decipher === null) this.#reader.push(bytes, start, end);
    else {
      const plain = this.#decipher.update(bytes.subarray(start, end));
      this.#reader.push(plain, 0, plain.length);
    }
  }

  mediaEnd(): void {
    const asking = this.#asking;
    if (asking === 'key') this.#takeKey();
    else {
      if (this.#decipher !== null) {
        const plain = this.#decipher.final();
        this.#reader.push(plain, 0, plain.length);
      }
      this.#decipher = null;
      this.#reader.end();
    }
    const request = this.#mediaRequest;
    this.#mediaRequest = null;
    if (asking === 'init') this.#map = this.#pendingMap;
    if (typeof asking === 'object') {
      this.pass(asking);
      this.#owner.loaded(this, asking, request!);
    }
    this.pump();
  }

  #takeKey(): void {
    if (this.#keyBytes.length !== KEY_BYTES) {
      const got = this.#keyBytes.length > KEY_BYTES ? 'more' : this.#keyBytes.length;
      throw new ProtocolError('HLS_KEY_LENGTH', `expected a key of ${KEY_BYTES} bytes, got ${got}`);
    }
    this.#owner.keepKey(this.#keyUrl, Uint8Array.from(this.#keyBytes));
  }

  mediaFailed(failure: Failure, status: number | null): void {
    this.#mediaRequest = null;
    this.#owner.failed(this, this.#asking, failure, status);
  }

  mediaThrew(error: unknown): void {
    this.#mediaRequest = null;
    const asking = this.#asking;
    const [what, url] =
      typeof asking === 'object'
        ? ['segment', asking.url]
        : [asking === 'key' ? 'key' : 'init segment', this.url];
    this.#owner.failed(this, asking, brokenBy(error, what, url), null);
  }
}

class PlaylistHandler implements HttpHandler {
  readonly #track: MediaTrack;
  readonly #intake = new PlaylistIntake();

  constructor(track: MediaTrack) {
    this.#track = track;
  }
  head(_head: HttpHead, url: string): void {
    const { owner } = this.#track;
    owner.arrived();
    this.#track.url = withoutCmcd(withoutDirectives(url));
    this.#intake.begin(this.#track.url);
  }
  body(bytes: Uint8Array, start: number, end: number): void {
    this.#track.owner.arrived();
    this.#intake.push(bytes, start, end);
  }
  end(): void {
    const { owner, playlist, variables } = this.#track;
    owner.arrived();
    const next = this.#intake.end(playlist, variables);
    owner.answered();
    this.#track.takePlaylist(next);
  }
  failed(failure: Failure, status: number | null): void {
    this.#track.playlistFailed(failure, status);
  }
  threw(error: unknown): void {
    this.#track.playlistThrew(error);
  }
}

class MediaHandler implements HttpHandler {
  readonly #track: MediaTrack;

  constructor(track: MediaTrack) {
    this.#track = track;
  }
  head(): void {
    this.#track.owner.arrived();
    this.#track.mediaHead();
  }
  body(bytes: Uint8Array, start: number, end: number): void {
    this.#track.owner.arrived();
    this.#track.mediaBody(bytes, start, end);
  }
  end(): void {
    this.#track.owner.arrived();
    this.#track.mediaEnd();
  }
  failed(failure: Failure, status: number | null): void {
    this.#track.mediaFailed(failure, status);
  }
  threw(error: unknown): void {
    this.#track.mediaThrew(error);
  }
}

/** Cheaper than `playlistChanges`, which audits: whether there is more than before. */
function hasChanged(previous: MediaPlaylist, next: MediaPlaylist): boolean {
  return (
    next !== previous &&
    (endSequence(next) !== endSequence(previous) ||
      next.parts.length !== previous.parts.length ||
      next.ended !== previous.ended)
  );
}

/** The URL of a playlist that was asked for with delivery directives (6.2.5). */
export function withoutDirectives(url: string): string {
  return url.includes('_HLS_')
    ? url
        .replace(/([?&])_HLS_(?:msn|part|skip)=[^&#]*(?=&|#|$)/g, '$1')
        .replace(/[?&]+(?=#|$)/, '')
        .replace(/([?&])&+/g, '$1')
    : url;
}

/** A token in the query may change from one version to the next. */
function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url;
}

function brokenBy(error: unknown, what: string, url: string): Failure {
  if (error instanceof Ending) return error.failure;
  const shown = url.replace(/[?#].*$/, '').replace(/\/\/[^/@]*@/, '//');
  const isPlaylist = what === 'playlist';
  const why =
    error instanceof ProtocolError ? `${error.message} (${error.code})` : `reading it failed: ${error}`;
  return {
    reason: isPlaylist ? 'bad-response' : 'bad-media',
    detail: `the ${what} ${shown} is not understood: ${why}`,
  };
}
