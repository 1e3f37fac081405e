import type { ByteRange, Key, MediaMap, MediaPlaylist, Part, Segment } from './media-playlist.ts';

/** What is written of a media playlist; the URLs may be relative, and stand there as they are. */
export type WrittenPlaylist = Omit<
  MediaPlaylist,
  'kind' | 'url' | 'version' | 'skippedSegments' | 'violations'
>;

/**
 * The text of a media playlist (RFC 8216bis, 4.4), the counterpart of `parseMediaPlaylist`. EXT-X-VERSION is the lowest that has
 * all that is used (section 8). `skip` above 0 makes it a delta update (6.2.5.1) without so many segments at the beginning: see `skippable`.
 */
export function writeMediaPlaylist(playlist: WrittenPlaylist, skip = 0): string {
  return new Writer(playlist, skip).text();
}

/** How many segments a delta update may leave out: those further from the end than the skip boundary (4.4.5.2). */
export function skippable({ segments, parts, serverControl }: WrittenPlaylist): number {
  const boundaryMs = serverControl.canSkipUntilMs;
  if (boundaryMs === null) return 0;
  let fromEndMs = parts.reduce((sum, { durationMs }) => sum + durationMs, 0);
  for (let index = segments.length - 1; index >= 0; index--) {
    if (fromEndMs >= boundaryMs) return index + 1;
    fromEndMs += segments[index]!.durationMs;
  }
  return 0;
}

class Writer {
  readonly #playlist: WrittenPlaylist;
  readonly #skip: number;
  readonly #lines: string[] = [];
  #key: Key | null = null;
  #map: MediaMap | null = null;

  constructor(playlist: WrittenPlaylist, skip: number) {
    this.#playlist = playlist;
    this.#skip = skip;
  }

  text(): string {
    const { segments, parts, partsDiscontinuity, preloadHints, renditionReports, ended } = this.#playlist;
    this.#writeHead();
    if (this.#skip > 0) {
      this.#add(`#EXT-X-SKIP:SKIPPED-SEGMENTS=${this.#skip}`);
      // What goes on from the skipped ones is not said again.
      const last = segments[this.#skip - 1]!;
      this.#key = last.key;
      this.#map = last.map;
    }
    for (const segment of segments.slice(this.#skip)) this.#writeSegment(segment);
    const first = parts[0];
    if (first) {
      const discontinuity = segments.at(-1)?.discontinuity ?? this.#playlist.discontinuitySequence;
      if (partsDiscontinuity !== discontinuity) this.#add('#EXT-X-DISCONTINUITY');
      this.#writeKeyAndMap(first.key, first.map);
      for (const part of parts) this.#writePart(part);
    }
    for (const { type, url, offset, length } of preloadHints) {
      const range =
        (offset > 0 ? `,BYTERANGE-START=${offset}` : '') +
        (length === null ? '' : `,BYTERANGE-LENGTH=${length}`);
      this.#add(`#EXT-X-PRELOAD-HINT:TYPE=${type.toUpperCase()},URI="${url}"${range}`);
    }
    for (const { url, lastSequence, lastPart } of renditionReports) {
      const last =
        (lastSequence === null ? '' : `,LAST-MSN=${lastSequence}`) +
        (lastPart === null ? '' : `,LAST-PART=${lastPart}`);
      this.#add(`#EXT-X-RENDITION-REPORT:URI="${url}"${last}`);
    }
    if (ended) this.#add('#EXT-X-ENDLIST');
    return `${this.#lines.join('\n')}\n`;
  }

  #writeHead(): void {
    const { targetDurationMs, partTargetMs, type, mediaSequence, discontinuitySequence } = this.#playlist;
    this.#add('#EXTM3U', `#EXT-X-VERSION:${lowestVersion(this.#playlist, this.#skip)}`);
    this.#add(`#EXT-X-TARGETDURATION:${targetDurationMs / 1000}`);
    this.#writeServerControl();
    if (partTargetMs !== null) this.#add(`#EXT-X-PART-INF:PART-TARGET=${seconds(partTargetMs)}`);
    this.#add(`#EXT-X-MEDIA-SEQUENCE:${mediaSequence}`);
    if (discontinuitySequence > 0) this.#add(`#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuitySequence}`);
    if (type !== null) this.#add(`#EXT-X-PLAYLIST-TYPE:${type.toUpperCase()}`);
    if (this.#playlist.independentSegments) this.#add('#EXT-X-INDEPENDENT-SEGMENTS');
    if (this.#playlist.iFramesOnly) this.#add('#EXT-X-I-FRAMES-ONLY');
    const { start } = this.#playlist;
    if (start) {
      const precise = start.precise ? ',PRECISE=YES' : '';
      this.#add(`#EXT-X-START:TIME-OFFSET=${seconds(start.offsetMs)}${precise}`);
    }
  }

  #writeServerControl(): void {
    const { canBlockReload, canSkipUntilMs, canSkipDateRanges, holdBackMs, partHoldBackMs } =
      this.#playlist.serverControl;
    const said = [
      canBlockReload && 'CAN-BLOCK-RELOAD=YES',
      canSkipUntilMs !== null && `CAN-SKIP-UNTIL=${seconds(canSkipUntilMs)}`,
      canSkipDateRanges && 'CAN-SKIP-DATERANGES=YES',
      holdBackMs !== null && `HOLD-BACK=${seconds(holdBackMs)}`,
      partHoldBackMs !== null && `PART-HOLD-BACK=${seconds(partHoldBackMs)}`,
    ].filter((attribute) => attribute !== false);
    if (said.length > 0) this.#add(`#EXT-X-SERVER-CONTROL:${said.join(',')}`);
  }

  #writeSegment(segment: Segment): void {
    if (segment.startsDiscontinuity) this.#add('#EXT-X-DISCONTINUITY');
    const { programDateTimeMs, hasProgramDateTime } = segment;
    if (hasProgramDateTime && programDateTimeMs !== null) {
      this.#add(`#EXT-X-PROGRAM-DATE-TIME:${new Date(programDateTimeMs).toISOString()}`);
    }
    this.#writeKeyAndMap(segment.key, segment.map);
    for (const part of segment.parts) this.#writePart(part);
    this.#add(`#EXTINF:${seconds(segment.durationMs)},`);
    if (segment.range) this.#add(`#EXT-X-BYTERANGE:${rangeText(segment.range)}`);
    if (segment.gap) this.#add('#EXT-X-GAP');
    this.#add(segment.url);
  }

  #writeKeyAndMap(key: Key | null, map: MediaMap | null): void {
    // The key in front of a map is the map's own (4.4.4.5).
    if (map !== null && map.url !== this.#map?.url) {
      this.#writeKey(map.key);
      const range = map.range ? `,BYTERANGE="${rangeText(map.range)}"` : '';
      this.#add(`#EXT-X-MAP:URI="${map.url}"${range}`);
    }
    this.#map = map;
    this.#writeKey(key);
  }

  #writeKey(key: Key | null): void {
    if (isSameKey(key, this.#key)) return;
    this.#key = key;
    if (key === null) this.#add('#EXT-X-KEY:METHOD=NONE');
    else {
      const uri = key.url === null ? '' : `,URI="${key.url}"`;
      const iv = key.iv === null ? '' : `,IV=0x${hex(key.iv)}`;
      const format = key.keyFormat === 'identity' ? '' : `,KEYFORMAT="${key.keyFormat}"`;
      this.#add(`#EXT-X-KEY:METHOD=${key.method}${uri}${iv}${format}`);
    }
  }

  #writePart({ durationMs, url, range, independent, gap }: Part): void {
    this.#add(
      `#EXT-X-PART:DURATION=${seconds(durationMs)},URI="${url}"` +
        (range ? `,BYTERANGE="${rangeText(range)}"` : '') +
        (independent ? ',INDEPENDENT=YES' : '') +
        (gap ? ',GAP=YES' : ''),
    );
  }

  #add(...lines: string[]): void {
    this.#lines.push(...lines);
  }
}

/** Section 8 "Protocol version compatibility". */
function lowestVersion({ segments, parts }: WrittenPlaylist, skip: number): number {
  if (skip > 0) return 9;
  if (segments.some(({ map }) => map) || parts.some(({ map }) => map)) return 6;
  if (segments.some(({ range }) => range)) return 4;
  return 3;
}

/** Whole milliseconds as they are; what is finer, to 10 µs. */
function seconds(ms: number): string {
  return (ms / 1000).toFixed(Number.isInteger(ms) ? 3 : 5);
}

function rangeText({ length, offset }: ByteRange): string {
  return `${length}@${offset}`;
}

function isSameKey(a: Key | null, b: Key | null): boolean {
  if (a === b) return true;
  return (
    a !== null &&
    b !== null &&
    a.method === b.method &&
    a.url === b.url &&
    a.keyFormat === b.keyFormat &&
    hex(a.iv) === hex(b.iv)
  );
}

function hex(bytes: Uint8Array | null): string {
  return Array.from(bytes ?? [], (byte) => byte.toString(16).padStart(2, '0')).join('');
}
