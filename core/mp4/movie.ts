import type { MediaTrack } from '../access-unit.ts';
import { readAvcC } from '../h264/avcc.ts';
import { readHvcC } from '../h265/hvcc.ts';
import { ProtocolError } from '../media.ts';
import { boxName, boxType, expectBytes, forEachBox, read32, read64, readSigned32 } from './box.ts';
import { readStreamDescriptor } from './esds.ts';

/** One track of an init segment, with what its fragments leave out. */
export interface MovieTrack {
  readonly track: MediaTrack;
  /** Ticks per second of its times. */
  readonly timescale: number;
  /** What its edit list (8.6.6) takes from each time, in ticks: encoders with B-frames begin there, not at 0. */
  readonly editTicks: number;
  readonly defaults: SampleDefaults;
}

/** Track extends (8.8.3): holds where neither a fragment nor a sample says another. */
export interface SampleDefaults {
  readonly duration: number;
  readonly bytes: number;
  readonly flags: number;
}

/** More than any rendition has. */
export const MAX_TRACKS = 32;

const NO_DEFAULTS: SampleDefaults = { duration: 0, bytes: 0, flags: 0 };

const MVHD = boxType('mvhd');
const TRAK = boxType('trak');
const MVEX = boxType('mvex');
const TREX = boxType('trex');
const TKHD = boxType('tkhd');
const EDTS = boxType('edts');
const ELST = boxType('elst');
const MDIA = boxType('mdia');
const MDHD = boxType('mdhd');
const MINF = boxType('minf');
const STBL = boxType('stbl');
const STSD = boxType('stsd');
const AVCC = boxType('avcC');
const HVCC = boxType('hvcC');
const ESDS = boxType('esds');

/** Sample entries that are understood (8.5.2), and what they hold. `mp4a` may hold others: its esds says. */
const ENTRIES: ReadonlyMap<number, Pick<MediaTrack, 'kind' | 'codec'>> = new Map(
  (
    [
      ['avc1', 'video', 'h264'],
      ['avc3', 'video', 'h264'],
      ['hvc1', 'video', 'h265'],
      ['hev1', 'video', 'h265'],
      ['vp08', 'video', 'vp8'],
      ['vp09', 'video', 'vp9'],
      ['av01', 'video', 'av1'],
      ['mp4a', 'audio', 'aac'],
      ['.mp3', 'audio', 'mp3'],
      ['Opus', 'audio', 'opus'],
      ['fLaC', 'audio', 'flac'],
      ['ac-3', 'audio', 'ac3'],
    ] as const
  ).map(([name, kind, codec]) => [boxType(name), { kind, codec }]),
);
const ENCRYPTED = new Set([boxType('encv'), boxType('enca')]);

/** SampleEntry and VisualSampleEntry (12.1.3), AudioSampleEntry (12.2.3): bytes before the boxes inside. */
const VIDEO_ENTRY_BYTES = 78;
const AUDIO_ENTRY_BYTES = 28;

/**
 * The tracks of a `moov` box's content by track_ID; null for one of a codec that is not known (text, timed metadata).
 * Throws `MP4_…` for broken boxes, encryption (`MP4_ENCRYPTED`) or more than `MAX_TRACKS`, and what `readAvcC` and `readHvcC` throw.
 */
export function readMovie(bytes: Uint8Array, start: number, end: number): Map<number, MovieTrack | null> {
  let movieTimescale = 0;
  const defaults = new Map<number, SampleDefaults>();
  const found: Draft[] = [];
  forEachBox(bytes, start, end, (type, from, to) => {
    if (type === MVHD) movieTimescale = readTimescale('mvhd', bytes, from, to);
    else if (type === TRAK) {
      if (found.length === MAX_TRACKS) {
        throw new ProtocolError('MP4_TOO_MANY_TRACKS', `expected at most ${MAX_TRACKS} tracks, got more`);
      }
      found.push(readTrack(bytes, from, to));
    } else if (type === MVEX) {
      forEachBox(bytes, from, to, (inner, at, innerEnd) => {
        if (inner !== TREX || defaults.size >= MAX_TRACKS) return;
        expectBytes('trex', at, innerEnd, 24);
        defaults.set(read32(bytes, at + 4), {
          duration: read32(bytes, at + 12),
          bytes: read32(bytes, at + 16),
          flags: read32(bytes, at + 20),
        });
      });
    }
  });
  return new Map(
    found.map(({ id, timescale, edit, entry }) => {
      if (entry === null) return [id, null];
      if (timescale === 0) throw new ProtocolError('MP4_TIMESCALE', 'expected a timescale above 0, got 0');
      const emptyTicks = movieTimescale > 0 ? (edit.emptyDuration * timescale) / movieTimescale : 0;
      const editTicks = edit.mediaTime - emptyTicks;
      return [
        id,
        { track: { id, ...entry }, timescale, editTicks, defaults: defaults.get(id) ?? NO_DEFAULTS },
      ];
    }),
  );
}

interface Draft {
  id: number;
  timescale: number;
  edit: { mediaTime: number; emptyDuration: number };
  entry: Omit<MediaTrack, 'id'> | null;
}

function readTrack(bytes: Uint8Array, start: number, end: number): Draft {
  const draft: Draft = { id: 0, timescale: 0, edit: { mediaTime: 0, emptyDuration: 0 }, entry: null };
  const visit = (type: number, from: number, to: number): void => {
    if (type === MDIA || type === MINF || type === STBL || type === EDTS) forEachBox(bytes, from, to, visit);
    else if (type === TKHD) {
      const idAt = bytes[from] === 1 ? 20 : 12;
      expectBytes('tkhd', from, to, idAt + 4);
      draft.id = read32(bytes, from + idAt);
    } else if (type === MDHD) draft.timescale = readTimescale('mdhd', bytes, from, to);
    else if (type === ELST) draft.edit = readEditList(bytes, from, to);
    else if (type === STSD && draft.entry === null) draft.entry = readSampleDescription(bytes, from, to);
  };
  forEachBox(bytes, start, end, visit);
  return draft;
}

/** 8.2.2 and 8.4.2: creation and modification time, then the timescale. */
function readTimescale(name: string, bytes: Uint8Array, start: number, end: number): number {
  const at = bytes[start] === 1 ? 20 : 12;
  expectBytes(name, start, end, at + 4);
  return read32(bytes, start + at);
}

/** 8.6.6: an empty edit (media_time −1) delays the track, the first other one says where it begins. */
function readEditList(bytes: Uint8Array, start: number, end: number): Draft['edit'] {
  const edit = { mediaTime: 0, emptyDuration: 0 };
  const isLong = bytes[start] === 1;
  const entryBytes = isLong ? 20 : 12;
  expectBytes('elst', start, end, 8);
  const count = Math.min(read32(bytes, start + 4), Math.floor((end - start - 8) / entryBytes));
  for (let i = 0, at = start + 8; i < count; i++, at += entryBytes) {
    const timeAt = at + (isLong ? 8 : 4);
    const isEmpty = readSigned32(bytes, timeAt) === -1;
    if (!isEmpty) {
      edit.mediaTime = isLong ? read64(bytes, timeAt) : read32(bytes, timeAt);
      break;
    }
    edit.emptyDuration += isLong ? read64(bytes, at) : read32(bytes, at);
  }
  return edit;
}

/** 8.5.2: the first sample entry that is known. */
function readSampleDescription(bytes: Uint8Array, start: number, end: number): Draft['entry'] {
  expectBytes('stsd', start, end, 8);
  let found: Draft['entry'] = null;
  forEachBox(bytes, start + 8, end, (type, from, to) => {
    if (ENCRYPTED.has(type)) {
      throw new ProtocolError('MP4_ENCRYPTED', `expected clear samples, got "${boxName(type)}"`);
    }
    const known = ENTRIES.get(type);
    if (known !== undefined && found === null) found = readEntry(known, bytes, from, to);
  });
  return found;
}

function readEntry(
  { kind, codec }: Pick<MediaTrack, 'kind' | 'codec'>,
  bytes: Uint8Array,
  start: number,
  end: number,
): Draft['entry'] {
  const fixedBytes = kind === 'video' ? VIDEO_ENTRY_BYTES : AUDIO_ENTRY_BYTES;
  expectBytes('a sample entry', start, end, fixedBytes);
  // 12.2.3: 16.16 fixed point; what goes beyond is in the codec's own record.
  const entryRate = kind === 'audio' ? read32(bytes, start + 24) / 0x10000 : 0;
  const entry = { kind, codec, nalLengthBytes: 0 as MediaTrack['nalLengthBytes'], sampleRate: entryRate };
  let result: Draft['entry'] = { ...entry, config: null };
  forEachBox(bytes, start + fixedBytes, end, (type, from, to) => {
    if (type === AVCC || type === HVCC) {
      const { nalLengthBytes } = (type === AVCC ? readAvcC : readHvcC)(bytes, from, to);
      result = { ...entry, nalLengthBytes, config: bytes.slice(from, to) };
    } else if (type === ESDS) {
      expectBytes('esds', from, to, 4);
      const described = readStreamDescriptor(bytes, from + 4, to);
      result = described.codec && {
        ...entry,
        codec: described.codec,
        sampleRate: described.sampleRate || entryRate,
        config: described.config?.slice() ?? null,
      };
    }
  });
  return result;
}
