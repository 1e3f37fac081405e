import { ProtocolError } from '../media.ts';
import { type Attributes, readDecimal, readInteger, shown } from './attributes.ts';
import { tooLarge } from './limits.ts';
import { type Line, readLines } from './lines.ts';
import {
  type ByteRange,
  type Key,
  type MediaMap,
  type MediaPlaylist,
  NO_SERVER_CONTROL,
  type Part,
  type PreloadHint,
  type RenditionReport,
  type Segment,
  type ServerControl,
} from './media-playlist.ts';
import { PlaylistContext, type PlaylistOptions } from './playlist-context.ts';

export interface MediaPlaylistOptions extends PlaylistOptions {
  /** The playlist of the same rendition as last known: a delta update (EXT-X-SKIP) is merged onto it. */
  readonly previous?: MediaPlaylist | null;
  /** `variables` of the multivariant playlist, for EXT-X-DEFINE:IMPORT. */
  readonly variables?: ReadonlyMap<string, string>;
}

/**
 * Reads a media playlist (RFC 8216bis, 4.4.3 to 4.4.5). A delta update gives the whole playlist.
 *
 * What players put up with becomes a violation (`malformed`). Throws a `ProtocolError`: `HLS_NOT_A_PLAYLIST`, `HLS_NOT_MEDIA`, a limit
 * (`HLS_PLAYLIST_TOO_LARGE`, `HLS_TOO_MANY_LINES`, `HLS_LINE_TOO_LONG`, `HLS_TOO_MANY_SEGMENTS`, `HLS_TOO_MANY_VARIABLES`), `HLS_URL`,
 * `HLS_SELF_REFERENCE`, `HLS_VARIABLE_…`, or `HLS_DELTA_GAP`: then the whole playlist must be loaded.
 */
export function parseMediaPlaylist(text: string, options: MediaPlaylistOptions): MediaPlaylist {
  const parser = new MediaParser(options);
  readLines(text, parser.context.limits, parser.context.violations, (line) => parser.line(line));
  return parser.finish();
}

/** 2⁵²: leaves room to count on from any sequence number. */
const MAX_SEQUENCE = 2 ** 52;
/** A day: players would wait for so long before they ask again. */
const MAX_DURATION_S = 86_400;

class MediaParser {
  readonly context: PlaylistContext;
  readonly #previous: MediaPlaylist | null;

  #targetDurationMs = 0;
  #partTargetMs: number | null = null;
  #mediaSequence = 0;
  #discontinuitySequence = 0;
  #type: 'event' | 'vod' | null = null;
  #ended = false;
  #iFramesOnly = false;
  #serverControl: ServerControl = NO_SERVER_CONTROL;
  readonly #segments: Segment[] = [];
  readonly #hints: PreloadHint[] = [];
  readonly #reports: RenditionReport[] = [];
  #skipped = 0;

  // What goes on from segment to segment.
  #key: Key | null = null;
  /** A key has been read since the last segment: another one beside it is for another key system. */
  #keyIsFresh = false;
  #map: MediaMap | null = null;
  #discontinuity = 0;
  #programDateTimeMs: number | null = null;
  #lastUrl = '';
  #lastRange: ByteRange | null = null;
  #lastPart: Part | null = null;

  // What belongs to the next segment.
  #durationMs: number | null = null;
  #rangeText: string | null = null;
  #startsDiscontinuity = false;
  #gap = false;
  #hasProgramDateTime = false;
  #parts: Part[] = [];

  constructor(options: MediaPlaylistOptions) {
    this.context = new PlaylistContext(options, options.variables);
    this.#previous = options.previous ?? null;
  }

  line(line: Line): void {
    const { tag, value, number } = line;
    if (tag === null) {
      this.#addSegment(value, number);
      return;
    }
    switch (tag) {
      case 'EXTINF':
        this.#readDuration(value, number);
        break;
      case 'EXT-X-TARGETDURATION':
        this.#readTargetDuration(value, number);
        break;
      case 'EXT-X-MEDIA-SEQUENCE':
        this.#mediaSequence = this.#readSequence(line) ?? this.#mediaSequence;
        break;
      case 'EXT-X-DISCONTINUITY-SEQUENCE':
        this.#readDiscontinuitySequence(line);
        break;
      case 'EXT-X-DISCONTINUITY':
        this.#discontinuity++;
        this.#startsDiscontinuity = true;
        this.#programDateTimeMs = null;
        break;
      case 'EXT-X-BYTERANGE':
        this.#rangeText = value;
        break;
      case 'EXT-X-GAP':
        this.#gap = true;
        break;
      case 'EXT-X-PROGRAM-DATE-TIME':
        this.#readProgramDateTime(value, number);
        break;
      case 'EXT-X-KEY':
        this.#readKey(line);
        break;
      case 'EXT-X-MAP':
        this.#readMap(line);
        break;
      case 'EXT-X-PART':
        this.#readPart(line);
        break;
      case 'EXT-X-SKIP':
        this.#skip(line);
        break;
      case 'EXT-X-ENDLIST':
        this.#ended = true;
        break;
      case 'EXT-X-PLAYLIST-TYPE':
        if (value === 'VOD') this.#type = 'vod';
        else if (value === 'EVENT') this.#type = 'event';
        else this.#malformed(number, `expected EVENT or VOD, got ${shown(value)}`);
        break;
      case 'EXT-X-I-FRAMES-ONLY':
        this.#iFramesOnly = true;
        break;
      case 'EXT-X-PART-INF':
        this.#partTargetMs = this.context.attributes(line).ms('PART-TARGET');
        break;
      case 'EXT-X-SERVER-CONTROL':
        this.#readServerControl(this.context.attributes(line));
        break;
      case 'EXT-X-PRELOAD-HINT':
        this.#readPreloadHint(line);
        break;
      case 'EXT-X-RENDITION-REPORT':
        this.#readRenditionReport(line);
        break;
      case 'EXT-X-STREAM-INF':
      case 'EXT-X-MEDIA':
      case 'EXT-X-I-FRAME-STREAM-INF':
        throw new ProtocolError('HLS_NOT_MEDIA', `expected a media playlist, got ${tag} in line ${number}`);
      default:
        // 6.3.1: tags that are not known are passed over.
        this.context.readCommon(line);
    }
  }

  finish(): MediaPlaylist {
    const { context } = this;
    if (this.#targetDurationMs === 0) {
      this.#malformed(0, 'expected EXT-X-TARGETDURATION of at least 1');
      const longest = this.#segments.reduce((most, { durationMs }) => Math.max(most, durationMs), 1000);
      this.#targetDurationMs = Math.ceil(longest / 1000) * 1000;
    }
    if (this.#durationMs !== null) this.#malformed(0, 'expected a URI after the last EXTINF');
    return {
      kind: 'media',
      url: context.url,
      version: context.version,
      targetDurationMs: this.#targetDurationMs,
      partTargetMs: this.#partTargetMs,
      mediaSequence: this.#mediaSequence,
      discontinuitySequence: this.#discontinuitySequence,
      type: this.#type,
      ended: this.#ended,
      independentSegments: context.independentSegments,
      iFramesOnly: this.#iFramesOnly,
      start: context.start,
      serverControl: this.#serverControl,
      segments: this.#segments,
      parts: this.#parts,
      partsDiscontinuity: this.#discontinuity,
      preloadHints: this.#hints,
      renditionReports: this.#reports,
      skippedSegments: this.#skipped,
      violations: context.violations.list,
    };
  }

  /** 4.4.4.1: duration and title. The comma is left out by many. */
  #readDuration(value: string, line: number): void {
    const comma = value.indexOf(',');
    const seconds = readDecimal((comma < 0 ? value : value.slice(0, comma)).trim());
    if (!isDuration(seconds)) this.#malformed(line, `expected a duration, got ${shown(value)}`);
    else this.#durationMs = seconds * 1000;
    if (comma < 0) this.#malformed(line, 'expected a comma after the duration');
  }

  #readTargetDuration(value: string, line: number): void {
    const seconds = readDecimal(value);
    if (!isDuration(seconds)) {
      this.#malformed(line, `expected a duration in seconds, got ${shown(value)}`);
      return;
    }
    if (!Number.isInteger(seconds)) this.#malformed(line, `expected whole seconds, got ${value}`);
    this.#targetDurationMs = seconds * 1000;
  }

  #readSequence({ value, number, tag }: Line): number | null {
    const sequence = readInteger(value);
    if (sequence === null || sequence > MAX_SEQUENCE) {
      this.#malformed(number, `expected a sequence number, got ${shown(value)}`);
      return null;
    }
    if (this.#segments.length > 0 || this.#parts.length > 0) {
      this.#malformed(number, `expected ${tag} before the first segment`);
      return null;
    }
    return sequence;
  }

  #readDiscontinuitySequence(line: Line): void {
    if (this.#segments.length > 0 || this.#discontinuity !== this.#discontinuitySequence) {
      const detail = `expected ${line.tag} before the first segment and EXT-X-DISCONTINUITY`;
      this.context.violations.add('discontinuity-sequence', line.number, detail);
      return;
    }
    const sequence = this.#readSequence(line);
    if (sequence === null) return;
    this.#discontinuitySequence = sequence;
    this.#discontinuity = sequence;
  }

  #readProgramDateTime(value: string, line: number): void {
    const [, date, zone = ''] = /^(.*?)(Z|[+-]\d\d(?::?\d\d)?)?$/i.exec(value.trim()) ?? [];
    // A date without a zone would be read in this machine's; one as +0100 (ffmpeg) is good in ISO 8601, but not in ECMAScript.
    const withColon =
      zone.length <= 1 ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`;
    const ms = /^\d{4}-\d\d-\d\dT/i.test(date ?? '') ? Date.parse(`${date}${withColon}`) : Number.NaN;
    if (zone === '' || Number.isNaN(ms)) {
      this.#malformed(line, `expected a date with time zone, got ${shown(value)}`);
    }
    if (Number.isNaN(ms)) return;
    this.#programDateTimeMs = ms;
    this.#hasProgramDateTime = true;
  }

  /** 4.4.4.4. Of several keys for one segment the one that needs no key system is taken. */
  #readKey(line: Line): void {
    const attributes = this.context.attributes(line);
    const method = attributes.required('METHOD');
    if (method === null) return;
    const keyFormat = attributes.text('KEYFORMAT') ?? 'identity';
    const isBeside = this.#keyIsFresh && this.#key?.keyFormat === 'identity' && keyFormat !== 'identity';
    this.#keyIsFresh = true;
    if (method === 'NONE') this.#key = null;
    else if (!isBeside) {
      const uri = attributes.required('URI');
      const url = uri === null ? null : this.context.absolute(uri, line.number);
      this.#key = { method, url, iv: this.#readIv(attributes.text('IV'), line.number), keyFormat };
    }
  }

  #readIv(text: string | null, line: number): Uint8Array | null {
    if (text === null) return null;
    if (!/^0x[\da-f]{1,32}$/i.test(text)) {
      this.#malformed(line, `expected an IV of 128 bits, got ${shown(text)}`);
      return null;
    }
    const digits = text.slice(2).padStart(32, '0');
    return Uint8Array.from({ length: 16 }, (_, index) =>
      Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16),
    );
  }

  #readMap(line: Line): void {
    const attributes = this.context.attributes(line);
    const uri = attributes.required('URI');
    if (uri === null) return;
    const url = this.context.absoluteMedia(uri, line.number);
    const rangeText = attributes.text('BYTERANGE');
    const range = rangeText === null ? null : this.#readRange(rangeText, 0, line.number);
    this.#map = { url, range, key: this.#key };
  }

  #readPart(line: Line): void {
    const attributes = this.context.attributes(line);
    const uri = attributes.required('URI');
    const durationMs = attributes.ms('DURATION');
    if (uri === null || durationMs === null || durationMs < 0) {
      this.#malformed(line.number, 'expected URI and DURATION of a part');
      return;
    }
    const url = this.context.absoluteMedia(uri, line.number);
    const rangeText = attributes.text('BYTERANGE');
    const last = this.#lastPart;
    // 4.4.4.9: without an offset it follows the part before, of the same resource.
    const next = last?.range && last.url === url ? last.range.offset + last.range.length : null;
    this.#lastPart = {
      url,
      range: rangeText === null ? null : this.#readRange(rangeText, next, line.number),
      durationMs,
      independent: attributes.flag('INDEPENDENT'),
      gap: attributes.flag('GAP'),
      map: this.#map,
      key: this.#key,
    };
    this.#parts.push(this.#lastPart);
  }

  /** `length[@offset]`; `next` is where it begins if it does not say. Null if it cannot be read. */
  #readRange(text: string, next: number | null, line: number): ByteRange | null {
    const [, length = '', offset] = /^(\d+)(?:@(\d+))?$/.exec(text.trim()) ?? [];
    const bytes = readInteger(length);
    const from = offset === undefined ? next : readInteger(offset);
    if (bytes === null || (offset !== undefined && from === null)) {
      this.#malformed(line, `expected a byte range, got ${shown(text)}`);
      return null;
    }
    if (from === null)
      this.#malformed(line, 'expected a byte range with an offset, or one of the same resource before');
    return { offset: from ?? 0, length: bytes };
  }

  #readServerControl(attributes: Attributes): void {
    this.#serverControl = {
      canBlockReload: attributes.flag('CAN-BLOCK-RELOAD'),
      canSkipUntilMs: attributes.ms('CAN-SKIP-UNTIL'),
      canSkipDateRanges: attributes.flag('CAN-SKIP-DATERANGES'),
      holdBackMs: attributes.ms('HOLD-BACK'),
      partHoldBackMs: attributes.ms('PART-HOLD-BACK'),
    };
  }

  #readPreloadHint(line: Line): void {
    const attributes = this.context.attributes(line);
    const uri = attributes.required('URI');
    const type = attributes.text('TYPE');
    // 4.4.5.3: types that are not known are passed over.
    if (uri === null || (type !== 'PART' && type !== 'MAP')) return;
    this.#hints.push({
      type: type === 'PART' ? 'part' : 'map',
      url: this.context.absoluteMedia(uri, line.number),
      offset: attributes.integer('BYTERANGE-START') ?? 0,
      length: attributes.integer('BYTERANGE-LENGTH'),
    });
  }

  #readRenditionReport(line: Line): void {
    const attributes = this.context.attributes(line);
    const uri = attributes.required('URI');
    if (uri === null) return;
    this.#reports.push({
      url: this.context.absolute(uri, line.number),
      lastSequence: attributes.integer('LAST-MSN'),
      lastPart: attributes.integer('LAST-PART'),
    });
  }

  /** 4.4.5.2 and 6.2.5.1: the skipped segments, and all that goes on from them, are those of the previous playlist. */
  #skip(line: Line): void {
    const count = this.context.attributes(line).integer('SKIPPED-SEGMENTS');
    if (count === null || this.#segments.length > 0) {
      this.#malformed(line.number, 'expected SKIPPED-SEGMENTS, before the first segment');
      return;
    }
    this.#checkSegments(count);
    const first = this.#mediaSequence - (this.#previous?.mediaSequence ?? 0);
    const known = first < 0 ? [] : (this.#previous?.segments.slice(first, first + count) ?? []);
    const last = known.at(-1);
    if (known.length !== count) {
      throw new ProtocolError(
        'HLS_DELTA_GAP',
        `expected a delta update of segments that are known, got one that skips ${count} from ${this.#mediaSequence}`,
      );
    }
    if (last === undefined) return;
    // Parts are kept near the live edge only (6.2.2): these are not there any more.
    for (const segment of known) {
      this.#segments.push(segment.parts.length === 0 ? segment : { ...segment, parts: [] });
    }
    this.#skipped = count;
    this.#key = last.key;
    this.#map = last.map;
    this.#discontinuity = last.discontinuity;
    this.#lastUrl = last.url;
    this.#lastRange = last.range;
    if (last.programDateTimeMs !== null) this.#programDateTimeMs = last.programDateTimeMs + last.durationMs;
  }

  #addSegment(uri: string, line: number): void {
    const durationMs = this.#durationMs;
    // Players leave out what has no duration.
    if (durationMs === null) this.#malformed(line, 'expected EXTINF before a URI');
    else {
      this.#checkSegments(1);
      const url = this.context.absoluteMedia(this.context.variables.replace(uri, line), line);
      const next =
        this.#lastRange && this.#lastUrl === url ? this.#lastRange.offset + this.#lastRange.length : null;
      const range = this.#rangeText === null ? null : this.#readRange(this.#rangeText, next, line);
      this.#segments.push({
        sequence: this.#mediaSequence + this.#segments.length,
        discontinuity: this.#discontinuity,
        startsDiscontinuity: this.#startsDiscontinuity,
        url,
        range,
        durationMs,
        map: this.#map,
        key: this.#key,
        gap: this.#gap,
        programDateTimeMs: this.#programDateTimeMs,
        hasProgramDateTime: this.#hasProgramDateTime,
        parts: this.#parts,
      });
      this.#lastUrl = url;
      this.#lastRange = range;
      if (this.#programDateTimeMs !== null) this.#programDateTimeMs += durationMs;
      this.#startsDiscontinuity = false;
    }
    this.#parts = [];
    this.#durationMs = null;
    this.#rangeText = null;
    this.#gap = false;
    this.#hasProgramDateTime = false;
    this.#keyIsFresh = false;
  }

  #checkSegments(more: number): void {
    const { maxSegments } = this.context.limits;
    const segments = this.#segments.length + more;
    if (segments > maxSegments) throw tooLarge('HLS_TOO_MANY_SEGMENTS', 'segments', maxSegments, segments);
  }

  #malformed(line: number, detail: string): void {
    this.context.malformed(line, detail);
  }
}

function isDuration(seconds: number | null): seconds is number {
  return seconds !== null && seconds >= 0 && seconds <= MAX_DURATION_S;
}
