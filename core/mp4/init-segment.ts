import { GrowingBytes } from '../growing-bytes.ts';
import type { SampleTrack } from '../media-sample.ts';
import { boxType } from './box.ts';
import { addBox, addFullBox } from './box-writer.ts';
import { addSampleEntry, type EntryDescription } from './sample-entry.ts';

/** One track as the init segment describes it. */
export interface InitTrack {
  /** track_ID. */
  readonly id: number;
  readonly track: SampleTrack;
  /** Ticks per second of its times. */
  readonly timescale: number;
  readonly entry: EntryDescription;
}

const MOVIE_TIMESCALE = 1000;
/** Unity, 16.16 and 2.30 fixed point (6.2.2). */
const MATRIX = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];
/** ISO 639-2/T "und", 5 bits a letter. */
const UNDETERMINED = 0x55c4;
const ENABLED_IN_MOVIE = 3;
const SELF_CONTAINED = 1;

/** `ftyp` and `moov` of a fragmented file (ISO/IEC 14496-12, 8): no samples of its own, durations unknown. */
export function writeInitSegment(tracks: readonly InitTrack[]): Uint8Array {
  const out = new GrowingBytes(2048);
  addBox(out, 'ftyp', () => {
    for (const brand of ['iso6', 'mp41']) {
      out.add32(boxType(brand));
      if (brand === 'iso6') out.add32(0); // minor_version follows the major brand
    }
    out.add32(boxType('iso6'));
  });
  addBox(out, 'moov', () => {
    addMovieHeader(out, tracks.length);
    for (const track of tracks) addTrack(out, track);
    addBox(out, 'mvex', () => {
      for (const { id } of tracks) {
        addFullBox(out, 'trex', 0, 0, () => {
          out.add32(id);
          out.add32(1); // default_sample_description_index
          out.zeros(12);
        });
      }
    });
  });
  return out.take();
}

function addMovieHeader(out: GrowingBytes, tracks: number): void {
  addFullBox(out, 'mvhd', 0, 0, () => {
    out.zeros(8);
    out.add32(MOVIE_TIMESCALE);
    out.add32(0);
    out.add32(0x10000); // rate 1.0
    out.add16(0x100); // volume 1.0
    out.zeros(10);
    for (const value of MATRIX) out.add32(value);
    out.zeros(24);
    out.add32(tracks + 1); // next_track_ID
  });
}

function addTrack(out: GrowingBytes, init: InitTrack): void {
  const { id, track, timescale, entry } = init;
  const isVideo = track.kind === 'video';
  addBox(out, 'trak', () => {
    addFullBox(out, 'tkhd', 0, ENABLED_IN_MOVIE, () => {
      out.zeros(8);
      out.add32(id);
      out.zeros(4 + 4 + 8);
      out.zeros(4); // layer, alternate_group
      out.add16(isVideo ? 0 : 0x100);
      out.zeros(2);
      for (const value of MATRIX) out.add32(value);
      out.add32(entry.width * 0x10000);
      out.add32(entry.height * 0x10000);
    });
    addBox(out, 'mdia', () => {
      addFullBox(out, 'mdhd', 0, 0, () => {
        out.zeros(8);
        out.add32(timescale);
        out.add32(0);
        out.add16(UNDETERMINED);
        out.zeros(2);
      });
      addFullBox(out, 'hdlr', 0, 0, () => {
        out.zeros(4);
        out.add32(boxType(isVideo ? 'vide' : 'soun'));
        out.zeros(12 + 1); // reserved; an empty name
      });
      addBox(out, 'minf', () => addMediaInformation(out, init));
    });
  });
}

function addMediaInformation(out: GrowingBytes, { track, entry }: InitTrack): void {
  if (track.kind === 'video') addFullBox(out, 'vmhd', 0, 1, () => out.zeros(8));
  else addFullBox(out, 'smhd', 0, 0, () => out.zeros(4));
  addBox(out, 'dinf', () => {
    addFullBox(out, 'dref', 0, 0, () => {
      out.add32(1);
      addFullBox(out, 'url ', 0, SELF_CONTAINED, () => {});
    });
  });
  addBox(out, 'stbl', () => {
    addFullBox(out, 'stsd', 0, 0, () => {
      out.add32(1);
      addSampleEntry(out, track, entry);
    });
    // 8.6 and 8.7: no samples here.
    addFullBox(out, 'stts', 0, 0, () => out.add32(0));
    addFullBox(out, 'stsc', 0, 0, () => out.add32(0));
    addFullBox(out, 'stsz', 0, 0, () => out.zeros(8));
    addFullBox(out, 'stco', 0, 0, () => out.add32(0));
  });
}
