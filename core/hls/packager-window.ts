import type { MediaMap, Part, Segment } from './media-playlist.ts';
import type { Container } from './segment-muxer.ts';
import type { WrittenPlaylist } from './write-media-playlist.ts';

export interface PackagedPart {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly durationMs: number;
  /** It begins with a key picture, or has sound only. */
  readonly independent: boolean;
  /** Number of its init segment; −1: none. */
  readonly init: number;
}

export interface PackagedSegment {
  readonly name: string;
  readonly sequence: number;
  readonly discontinuity: number;
  readonly startsDiscontinuity: boolean;
  readonly durationMs: number;
  /** Wall clock at its beginning. */
  readonly programDateTimeMs: number;
  readonly independent: boolean;
  readonly init: number;
  readonly bytes: Uint8Array;
  /** One, of the segment's length, where there are no parts; their bytes are views of the segment's. */
  readonly parts: readonly PackagedPart[];
}

export interface WindowOptions {
  readonly container: Container;
  readonly segmentMs: number;
  readonly partMs: number | null;
  readonly targetDurationMs: number | null;
  readonly type: 'live' | 'event';
  readonly windowSegments: number;
  readonly keptSegments: number;
  readonly maxBytes: number;
  readonly deltaUpdates: boolean;
  readonly programDateTime: boolean;
  readonly namePrefix: string;
  readonly firstSequence: number;
}

interface OpenParts {
  readonly sequence: number;
  readonly discontinuity: number;
  readonly parts: readonly PackagedPart[];
}

interface Init {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Target durations that a live playlist has at least (RFC 8216bis, 6.2.2), and for which it tells parts (4.4.4.9). */
const MIN_TARGET_DURATIONS = 3;
/** CAN-SKIP-UNTIL is at least six target durations (4.4.3.8). */
const SKIP_TARGET_DURATIONS = 6;
/** PART-HOLD-BACK should be at least three part targets (4.4.3.8). */
const HOLD_BACK_PARTS = 3;

/**
 * The finished segments of a packager:
 *
 *     gone │ kept, not in the playlist any more │ playlist │ (open segment)
 */
export class PackagerWindow {
  readonly #options: WindowOptions;
  readonly #segments: PackagedSegment[] = [];
  /** How many of `#segments` have left the playlist. */
  #left = 0;
  #bytes = 0;
  #maxBytes: number;
  readonly #inits = new Map<number, Init>();
  #initCount = 0;

  /** Null until the first segment is whole. */
  targetDurationMs: number | null;
  partTargetMs: number | null = null;
  revision = 0;

  constructor(options: WindowOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes;
    this.targetDurationMs = options.targetDurationMs;
  }

  /** The playlist reads differently now. */
  touch(): void {
    this.revision++;
  }

  get bytes(): number {
    return this.#bytes;
  }

  limitBytes(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    if (this.#options.type === 'event' || this.#segments.length === 0) return;
    const before = this.#segments.length;
    this.#slide();
    if (this.#segments.length !== before) this.revision++;
  }

  /** Gives its number. */
  addInit(bytes: Uint8Array): number {
    const number = this.#initCount++;
    this.#inits.set(number, { name: `${this.#options.namePrefix}init-${number}.mp4`, bytes });
    return number;
  }

  partName(sequence: number, index: number): string {
    return `${this.#options.namePrefix}seg-${sequence}.${index}.${this.#extension()}`;
  }

  /** True: an event playlist has no room for another one. */
  add(segment: Omit<PackagedSegment, 'name' | 'bytes'>): boolean {
    const name = `${this.#options.namePrefix}seg-${segment.sequence}.${this.#extension()}`;
    const { bytes, parts } = joined(segment.parts);
    if (this.#segments.length === 0 && segment.sequence === this.#options.firstSequence)
      this.#setTargets(segment.durationMs, parts);
    this.#segments.push({ ...segment, name, bytes, parts });
    this.#bytes += bytes.length;
    this.revision++;
    if (this.#options.type === 'event') return this.#bytes >= this.#maxBytes;
    this.#slide();
    return false;
  }

  segment(sequence: number): PackagedSegment | null {
    const first = this.#segments[0];
    return first === undefined ? null : (this.#segments[sequence - first.sequence] ?? null);
  }

  resource(name: string): Uint8Array | null {
    for (const init of this.#inits.values()) if (init.name === name) return init.bytes;
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const segment = this.#segments[i]!;
      if (segment.name === name) return segment.bytes;
      const part = segment.parts.find((candidate) => candidate.name === name);
      if (part) return part.bytes;
    }
    return null;
  }

  playlist(state: {
    readonly open: OpenParts | null;
    readonly nextSequence: number;
    readonly ended: boolean;
  }): WrittenPlaylist | null {
    const { targetDurationMs, partTargetMs } = this;
    const { type, deltaUpdates } = this.#options;
    const shown = this.#segments.slice(this.#left);
    const first = shown[0];
    if (first === undefined || targetDurationMs === null) return null;
    const { open, nextSequence, ended } = state;
    const hasParts = partTargetMs !== null;
    const openParts = hasParts ? (open?.parts ?? []) : [];
    const hint = this.partName(open?.sequence ?? nextSequence, open?.parts.length ?? 0);
    return {
      targetDurationMs,
      partTargetMs,
      mediaSequence: first.sequence,
      discontinuitySequence: first.discontinuity - (first.startsDiscontinuity ? 1 : 0),
      type: type === 'event' ? 'event' : null,
      ended,
      // Said of all or of none (4.4.2.1): a segment that had to be cut without a key picture takes it from all.
      independentSegments: shown.every(({ independent }) => independent),
      iFramesOnly: false,
      start: null,
      serverControl: {
        canBlockReload: hasParts,
        canSkipUntilMs: deltaUpdates ? SKIP_TARGET_DURATIONS * targetDurationMs : null,
        canSkipDateRanges: false,
        holdBackMs: null,
        partHoldBackMs: hasParts ? HOLD_BACK_PARTS * partTargetMs : null,
      },
      segments: this.#written(shown, targetDurationMs),
      parts: openParts.map((part) => this.#writtenPart(part)),
      partsDiscontinuity:
        openParts.length > 0 && open ? open.discontinuity : shown[shown.length - 1]!.discontinuity,
      preloadHints: hasParts && !ended ? [{ type: 'part', url: hint, offset: 0, length: null }] : [],
      renditionReports: [],
    };
  }

  /** The target duration holds for ever (4.4.3.1), so it is not said before there is a segment to tell it. */
  #setTargets(durationMs: number, parts: readonly PackagedPart[]): void {
    const { segmentMs, partMs } = this.#options;
    this.targetDurationMs ??= Math.max(1, Math.round(segmentMs / 1000), Math.round(durationMs / 1000)) * 1000;
    if (partMs === null) return;
    // Parts have at least 85 % of the target (4.4.4.9): it is told as it comes out, with room for whole milliseconds.
    const longest = parts.reduce((most, part) => Math.max(most, part.durationMs), 0);
    const isWhole = durationMs >= segmentMs / 2;
    this.partTargetMs = isWhole ? Math.min(partMs, longest + 1) : partMs;
  }

  #slide(): void {
    const { windowSegments, keptSegments } = this.#options;
    const maxBytes = this.#maxBytes;
    const minMs = MIN_TARGET_DURATIONS * this.targetDurationMs!;
    let shownMs = 0;
    for (let i = this.#left; i < this.#segments.length; i++) shownMs += this.#segments[i]!.durationMs;
    while (this.#segments.length - this.#left > windowSegments) {
      shownMs -= this.#segments[this.#left]!.durationMs;
      if (shownMs < minMs) break;
      this.#left++;
    }
    while (this.#left > keptSegments || (this.#bytes > maxBytes && this.#segments.length > 1)) {
      const gone = this.#segments.shift()!;
      this.#bytes -= gone.bytes.length;
      this.#left = Math.max(0, this.#left - 1);
    }
    const oldestInit = this.#segments[0]!.init;
    for (const number of this.#inits.keys()) if (number < oldestInit) this.#inits.delete(number);
  }

  #written(shown: readonly PackagedSegment[], targetDurationMs: number): Segment[] {
    let fromEndMs = 0;
    const written: Segment[] = [];
    for (let i = shown.length - 1; i >= 0; i--) {
      const segment = shown[i]!;
      const { sequence, discontinuity, startsDiscontinuity, name, durationMs, programDateTimeMs } = segment;
      const tellsParts = this.partTargetMs !== null && fromEndMs < MIN_TARGET_DURATIONS * targetDurationMs;
      const { programDateTime } = this.#options;
      written.push({
        sequence,
        discontinuity,
        startsDiscontinuity,
        url: name,
        range: null,
        durationMs,
        map: this.#map(segment.init),
        key: null,
        gap: false,
        programDateTimeMs: programDateTime ? programDateTimeMs : null,
        hasProgramDateTime: programDateTime,
        parts: tellsParts ? segment.parts.map((part) => this.#writtenPart(part)) : [],
      });
      fromEndMs += durationMs;
    }
    return written.reverse();
  }

  #writtenPart({ name, durationMs, independent, init }: PackagedPart): Part {
    return { url: name, range: null, durationMs, independent, gap: false, map: this.#map(init), key: null };
  }

  #map(number: number): MediaMap | null {
    const init = this.#inits.get(number);
    return init ? { url: init.name, range: null, key: null } : null;
  }

  #extension(): string {
    return this.#options.container === 'ts' ? 'ts' : 'm4s';
  }
}

/** One buffer for the segment, of which the parts are views: nothing is kept twice. */
function joined(parts: readonly PackagedPart[]): { bytes: Uint8Array; parts: readonly PackagedPart[] } {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return { bytes: first.bytes, parts };
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.bytes.length, 0));
  let at = 0;
  const views = parts.map((part) => {
    bytes.set(part.bytes, at);
    at += part.bytes.length;
    return { ...part, bytes: bytes.subarray(at - part.bytes.length, at) };
  });
  return { bytes, parts: views };
}
