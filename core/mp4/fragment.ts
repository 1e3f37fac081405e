import { ProtocolError } from '../media.ts';
import { boxType, expectBytes, forEachBox, read32, read64, readSigned32 } from './box.ts';
import type { MovieTrack, SampleDefaults } from './movie.ts';

/** A run of samples (8.8.8): they lie one behind the other. Its table is read when its samples come. */
export interface Run {
  readonly movieTrack: MovieTrack;
  readonly defaults: SampleDefaults;
  /** Of the first sample only; null: as the table or the defaults say. */
  readonly firstFlags: number | null;
  readonly flags: number;
  readonly count: number;
  /** Where its table begins in the `moof` box. */
  readonly table: number;
  /** Where its first sample lies in the resource. */
  readonly offset: number;
  readonly bytes: number;
  /** Decode time of its first sample, in ticks. */
  readonly decodeTicks: number;
}

/** Which fields each sample has in a run's table. */
export const RUN_DURATION = 0x100;
export const RUN_SIZE = 0x200;
export const RUN_FLAGS = 0x400;
export const RUN_COMPOSITION = 0x800;
const RUN_DATA_OFFSET = 0x01;
const RUN_FIRST_FLAGS = 0x04;

const BASE_DATA_OFFSET = 0x01;
const SAMPLE_DESCRIPTION = 0x02;
const DEFAULT_DURATION = 0x08;
const DEFAULT_SIZE = 0x10;
const DEFAULT_FLAGS = 0x20;
const DEFAULT_BASE_IS_MOOF = 0x020000;

/** 8.8.3.1: sample_depends_on = 1, and sample_is_non_sync_sample. */
export const NOT_KEY = 0x01010000;

/** 20 minutes of AAC; a run without a table can claim 2³² samples in 16 bytes. */
export const MAX_FRAGMENT_SAMPLES = 65_536;
export const MAX_RUNS = 4_096;

const TRAF = boxType('traf');
const TFHD = boxType('tfhd');
const TFDT = boxType('tfdt');
const TRUN = boxType('trun');

/**
 * The runs of a movie fragment, the content `bytes[start, end)` of a `moof` box that begins at `moofOffset` of its
 * resource; in the order in which their samples lie. `nextTicks` holds where each track goes on if a fragment does not say
 * its time, and is brought up to date.
 *
 * Throws `MP4_…`: a fragment of a track that is not known is left out, one that is broken is refused.
 */
export function readFragment(
  bytes: Uint8Array,
  start: number,
  end: number,
  moofOffset: number,
  tracks: ReadonlyMap<number, MovieTrack | null>,
  nextTicks: Map<number, number>,
): Run[] {
  const runs: Run[] = [];
  let samples = 0;
  /** 8.8.7.1: without another base, a track's data follows that of the track before. */
  let dataEnd = moofOffset;

  const readTrackFragment = (from: number, to: number): void => {
    let header: Header | null = null;
    let decodeTicks = Number.NaN;
    let runEnd = 0;
    forEachBox(bytes, from, to, (type, at, boxEnd) => {
      if (type === TFHD) {
        header = readHeader(bytes, at, boxEnd, moofOffset, dataEnd, tracks);
        runEnd = header.base;
        decodeTicks = nextTicks.get(header.id) ?? 0;
      } else if (type === TFDT) {
        const isLong = bytes[at] === 1;
        expectBytes('tfdt', at, boxEnd, isLong ? 12 : 8);
        decodeTicks = isLong ? read64(bytes, at + 4) : read32(bytes, at + 4);
      } else if (type === TRUN) {
        if (header === null) throw new ProtocolError('MP4_FRAGMENT', 'expected tfhd before trun');
        const run = readRun(bytes, at, boxEnd, header, runEnd, decodeTicks);
        samples += run.count;
        if (samples > MAX_FRAGMENT_SAMPLES || runs.length === MAX_RUNS) throw tooMany(samples, runs.length);
        runEnd = run.offset + run.bytes;
        decodeTicks += run.durationTicks;
        if (header.movieTrack !== null) runs.push({ ...run, movieTrack: header.movieTrack });
      }
    });
    if (header === null) throw new ProtocolError('MP4_FRAGMENT', 'expected tfhd in traf');
    dataEnd = runEnd;
    const { id, movieTrack } = header as Header;
    if (movieTrack !== null) nextTicks.set(id, decodeTicks);
  };
  forEachBox(bytes, start, end, (type, from, to) => {
    if (type === TRAF) readTrackFragment(from, to);
  });
  return runs.sort((a, b) => a.offset - b.offset);
}

interface Header {
  readonly id: number;
  /** Null for a track of no known codec. */
  readonly movieTrack: MovieTrack | null;
  readonly defaults: SampleDefaults;
  readonly base: number;
}

/** 8.8.7 Track fragment header. */
function readHeader(
  bytes: Uint8Array,
  start: number,
  end: number,
  moofOffset: number,
  dataEnd: number,
  tracks: ReadonlyMap<number, MovieTrack | null>,
): Header {
  expectBytes('tfhd', start, end, 8);
  const flags = read32(bytes, start) & 0xffffff;
  const id = read32(bytes, start + 4);
  const movieTrack = tracks.get(id);
  if (movieTrack === undefined) {
    throw new ProtocolError('MP4_TRACK', `expected a track of the init segment, got track ${id}`);
  }
  let at = start + 8;
  const field = (flag: number, otherwise: number): number => {
    if (!(flags & flag)) return otherwise;
    expectBytes('tfhd', at, end, 4);
    at += 4;
    return read32(bytes, at - 4);
  };
  let base = flags & DEFAULT_BASE_IS_MOOF ? moofOffset : dataEnd;
  if (flags & BASE_DATA_OFFSET) {
    expectBytes('tfhd', at, end, 8);
    base = read64(bytes, at);
    at += 8;
  }
  field(SAMPLE_DESCRIPTION, 0);
  const inherited = movieTrack?.defaults ?? { duration: 0, bytes: 0, flags: 0 };
  const duration = field(DEFAULT_DURATION, inherited.duration);
  const sampleBytes = field(DEFAULT_SIZE, inherited.bytes);
  const sampleFlags = field(DEFAULT_FLAGS, inherited.flags);
  return { id, movieTrack, base, defaults: { duration, bytes: sampleBytes, flags: sampleFlags } };
}

/** 8.8.8 Track fragment run; adds up its table, because the next run begins where it ends. */
function readRun(
  bytes: Uint8Array,
  start: number,
  end: number,
  { base, defaults }: Header,
  previousEnd: number,
  decodeTicks: number,
): Omit<Run, 'movieTrack'> & { durationTicks: number } {
  expectBytes('trun', start, end, 8);
  const flags = read32(bytes, start) & 0xffffff;
  const count = read32(bytes, start + 4);
  let at = start + 8;
  let offset = previousEnd;
  if (flags & RUN_DATA_OFFSET) {
    expectBytes('trun', at, end, 4);
    offset = base + readSigned32(bytes, at);
    at += 4;
  }
  let firstFlags: number | null = null;
  if (flags & RUN_FIRST_FLAGS) {
    expectBytes('trun', at, end, 4);
    firstFlags = read32(bytes, at);
    at += 4;
  }
  if (count > MAX_FRAGMENT_SAMPLES) throw tooMany(count, 0);
  const stride = rowBytes(flags);
  expectBytes('trun', at, end, count * stride);
  let durationTicks = flags & RUN_DURATION ? 0 : count * defaults.duration;
  let runBytes = flags & RUN_SIZE ? 0 : count * defaults.bytes;
  if (flags & (RUN_DURATION | RUN_SIZE)) {
    const sizeAt = flags & RUN_DURATION ? 4 : 0;
    for (let i = 0, row = at; i < count; i++, row += stride) {
      if (flags & RUN_DURATION) durationTicks += read32(bytes, row);
      if (flags & RUN_SIZE) runBytes += read32(bytes, row + sizeAt);
    }
  }
  return {
    defaults,
    firstFlags,
    flags,
    count,
    table: at,
    offset,
    bytes: runBytes,
    decodeTicks,
    durationTicks,
  };
}

/** Bytes of one sample's row in the table of a run with these flags. */
export function rowBytes(flags: number): number {
  let bytes = 0;
  for (const field of [RUN_DURATION, RUN_SIZE, RUN_FLAGS, RUN_COMPOSITION]) if (flags & field) bytes += 4;
  return bytes;
}

function tooMany(samples: number, runs: number): ProtocolError {
  return new ProtocolError(
    'MP4_FRAGMENT_TOO_LARGE',
    `expected a fragment of at most ${MAX_FRAGMENT_SAMPLES} samples in ${MAX_RUNS} runs, got ${samples} in ${runs + 1}`,
  );
}
