import { TAG_AUDIO, TAG_VIDEO, type TagType } from '../../core/media.ts';
import { type StampCodec, stampNal, stampNalBytes } from '../../core/stamp/stamp.ts';
import { FlvTags, type KnownTag, placeStamp } from './flv-tags.ts';
import type { SourceTag, TagKind } from './source.ts';

/** A recorded tag: one piece, or a picture in three, the middle one being its stamp. */
export interface Entry {
  readonly type: TagType;
  readonly kind: TagKind;
  /** From the recording's beginning. */
  readonly timestampMs: number;
  readonly body: Uint8Array;
  /** Where the stamp's NAL unit lies in the body; null where there is nothing to stamp. */
  readonly stamp: {
    readonly codec: StampCodec;
    readonly before: Uint8Array;
    readonly after: Uint8Array;
  } | null;
}

/**
 * An encoded stream in memory, once, for any number of publishers: each frame has a place for a stamp, which is
 * filled as it is sent. The frames themselves are never copied or changed.
 */
export interface Recording {
  readonly headers: readonly SourceTag[];
  readonly entries: readonly Entry[];
  /** When each entry is to be sent if it is the first that is left: a picture when it is due, sound with the next one. */
  readonly sendMs: Float64Array;
  /** After so long it begins again: the last frame has lasted as long as frames do. */
  readonly loopMs: number;
  readonly frames: number;
  readonly bytes: number;
}

/** More would rather be a file played as live; the encoder's output for a minute or so is meant. */
export const MAX_RECORDING_BYTES = 256 * 1024 * 1024;

/**
 * Reads an FLV file for replay.
 * @throws ProtocolError when it is no FLV file; Error with one sentence when nothing in it can be replayed as live
 */
export function readRecording(flv: Uint8Array, name: string): Recording {
  if (flv.length > MAX_RECORDING_BYTES) {
    throw new Error(
      `${name} has ${flv.length} bytes; a recording may have ${MAX_RECORDING_BYTES}: use it as a file source instead`,
    );
  }
  const headers = new Map<TagKind, SourceTag>();
  const entries: Entry[] = [];
  new FlvTags((tag) => {
    const { type, kind, timestampMs, body } = tag;
    if (kind === 'metadata' || kind === 'video-config' || kind === 'audio-config')
      headers.set(kind, { type, kind, timestampMs: 0, pieces: [body] });
    else entries.push({ type, kind, timestampMs, ...withPlaceForStamp(tag) });
  }).push(flv);
  return assemble([...headers.values()], entries, name);
}

function withPlaceForStamp(tag: KnownTag): Pick<Entry, 'body' | 'stamp'> {
  const stamped = placeStamp(tag, { publisher: 0, frame: 0, captureUs: 0 });
  if (stamped === null || tag.stampable === null) return { body: tag.body, stamp: null };
  const { codec } = tag.stampable;
  const { body, nalOffset } = stamped;
  const before = body.subarray(0, nalOffset);
  const after = body.subarray(nalOffset + stampNalBytes(codec));
  return { body, stamp: { codec, before, after } };
}

/** Cuts to what can begin again without a seam: from the first key frame to the end of the last video frame. */
function assemble(headers: SourceTag[], all: Entry[], name: string): Recording {
  const hasVideo = all.some(({ type }) => type === TAG_VIDEO);
  const first = all.findIndex(({ kind }) => kind === (hasVideo ? 'key' : 'audio'));
  if (first < 0)
    throw new Error(
      `${name} has no ${hasVideo ? 'key frame' : 'audio or video'}: it cannot be replayed as a live stream`,
    );
  const startMs = all[first]!.timestampMs;
  const paced = all.slice(first).filter(({ type }) => type === (hasVideo ? TAG_VIDEO : TAG_AUDIO));
  const lastMs = paced.at(-1)!.timestampMs - startMs;
  // The usual distance of two frames is how long the last one lasts.
  const frameMs = paced.length > 1 ? lastMs / (paced.length - 1) : 0;
  const loopMs = Math.round(lastMs + frameMs);
  if (loopMs <= 0) throw new Error(`${name} has only one frame: it cannot be replayed as a live stream`);
  const entries = all
    .slice(first)
    .map((entry) => ({ ...entry, timestampMs: Math.max(0, entry.timestampMs - startMs) }))
    .filter(({ timestampMs }) => timestampMs < loopMs);
  // Encoders interleave as they like; sending goes by time.
  entries.sort((a, b) => a.timestampMs - b.timestampMs);
  return {
    headers,
    entries,
    sendMs: sendTimes(entries, hasVideo ? TAG_VIDEO : TAG_AUDIO, loopMs),
    loopMs,
    frames: entries.filter(({ type }) => type === TAG_VIDEO).length,
    bytes: entries.reduce((sum, { body }) => sum + body.length, 0),
  };
}

/** Sound waits so long for a picture to go out with: one write instead of two or three, and no buffer is that small. */
const MAX_HELD_MS = 40;

function sendTimes(entries: readonly Entry[], paced: TagType, loopMs: number): Float64Array {
  const sendMs = new Float64Array(entries.length);
  // From behind, over the seam of the loop: the next picture is known before the sound that goes with it.
  let pictureMs = entries.find(({ type }) => type === paced)!.timestampMs + loopMs;
  for (let at = entries.length - 1; at >= 0; at--) {
    const { type, timestampMs } = entries[at]!;
    if (type === paced) pictureMs = timestampMs;
    sendMs[at] = Math.min(pictureMs, timestampMs + MAX_HELD_MS);
  }
  return sendMs;
}

/** The body of an entry in pieces, its picture stamped with `frame` and `captureUs`. Only the stamp is allocated. */
export function stampedPieces(
  entry: Entry,
  publisher: number,
  frame: number,
  captureUs: number,
): Uint8Array[] {
  if (entry.stamp === null) return [entry.body];
  const { codec, before, after } = entry.stamp;
  return [before, stampNal(codec, { publisher, frame, captureUs }), after];
}
