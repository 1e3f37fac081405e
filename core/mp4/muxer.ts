import { GrowingBytes } from '../growing-bytes.ts';
import type { MediaSample, SampleTrack } from '../media-sample.ts';
import { type AudioFrameHead, MPEG_AUDIO_HEAD_BYTES, readMpegAudioHead } from '../mpegts/audio-frame.ts';
import { opusPacketSamples } from '../opus/packet.ts';
import { addBox, addFullBox } from './box-writer.ts';
import { NOT_KEY, RUN_COMPOSITION, RUN_DURATION, RUN_FLAGS, RUN_SIZE } from './fragment.ts';
import { type InitTrack, writeInitSegment } from './init-segment.ts';
import { describeEntry } from './sample-entry.ts';

/**
 * Writes fragmented MP4 (ISO/IEC 14496-12, 8.8) of at most one track of pictures and one of sound: an init segment, then a
 * fragment (`moof`, `mdat`) for each call. Segments and parts are made of whole fragments.
 */

const VIDEO_TIMESCALE = 90_000;
const VIDEO_ID = 1;
const AUDIO_ID = 2;

/** sample_depends_on = 2: of no other (8.8.3.1). */
const KEY = 0x02000000;
const RUN_DATA_OFFSET = 0x01;
const DEFAULT_BASE_IS_MOOF = 0x020000;
/**
 * Sound follows its own samples, because FLV's whole milliseconds would make frames overlap. It is put where its time says when the two
 * are so far apart: frames were lost.
 */
const MAX_SOUND_DRIFT_MS = 60;
const AAC_FRAME_SAMPLES = 1024;
const MP3_FRAME_SAMPLES = 1152;

interface Placed {
  readonly sample: MediaSample;
  readonly startTicks: number;
  durationTicks: number;
}

export class Mp4Muxer {
  readonly init: Uint8Array;
  readonly #tracks: readonly InitTrack[];
  readonly #out = new GrowingBytes(64 * 1024);
  #sequence = 0;
  /** Where sound goes on, in its ticks. */
  #nextSound = Number.NaN;

  /** `first` are samples to learn from what configurations do not say; see `describeEntry`, which also says what is thrown. */
  constructor(tracks: readonly SampleTrack[], first: readonly MediaSample[] = []) {
    this.#tracks = tracks.map((track) => {
      const entry = describeEntry(track, first.find(({ kind }) => kind === track.kind) ?? null);
      const isVideo = track.kind === 'video';
      const timescale = isVideo ? VIDEO_TIMESCALE : entry.sampleRate;
      return { id: isVideo ? VIDEO_ID : AUDIO_ID, track, timescale, entry };
    });
    this.init = writeInitSegment(this.#tracks);
  }

  /** One fragment of these samples, in decode order. `durationMs` of pictures must be known. */
  mux(samples: readonly MediaSample[]): Uint8Array {
    const out = this.#out;
    const runs = this.#tracks
      .map((init) => ({ init, placed: this.#place(init, samples) }))
      .filter(({ placed }) => placed.length > 0);
    const offsetsAt: number[] = [];
    addBox(out, 'moof', () => {
      addFullBox(out, 'mfhd', 0, 0, () => out.add32(++this.#sequence));
      for (const { init, placed } of runs) offsetsAt.push(addTrackFragment(out, init, placed));
    });
    let offset = out.length + 8;
    for (const [index, { placed }] of runs.entries()) {
      out.put32(offsetsAt[index]!, offset);
      for (const { sample } of placed) offset += sample.data.length;
    }
    addBox(out, 'mdat', () => {
      for (const { placed } of runs) for (const { sample } of placed) out.add(sample.data);
    });
    return out.take();
  }

  #place({ track, timescale }: InitTrack, samples: readonly MediaSample[]): Placed[] {
    const placed: Placed[] = [];
    for (const sample of samples) {
      if (sample.kind !== track.kind) continue;
      if (sample.kind === 'video') {
        const startTicks = Math.max(0, Math.round(sample.dtsMs * 90));
        placed.push({ sample, startTicks, durationTicks: Math.round(sample.durationMs * 90) });
        continue;
      }
      const saidTicks = Math.max(0, Math.round((sample.dtsMs * timescale) / 1000));
      const drift = Math.abs(saidTicks - this.#nextSound);
      const startTicks = drift <= (MAX_SOUND_DRIFT_MS * timescale) / 1000 ? this.#nextSound : saidTicks;
      const previous = placed.at(-1);
      // A gap belongs to the frame before it: within a run there is no other place to say it.
      if (previous) previous.durationTicks = Math.max(0, startTicks - previous.startTicks);
      const durationTicks = frameSamples(track, sample);
      this.#nextSound = startTicks + durationTicks;
      placed.push({ sample, startTicks, durationTicks });
    }
    return placed;
  }
}

/** 8.8.6 to 8.8.8 and 8.8.12; gives where the run's data offset is to be put. */
function addTrackFragment(out: GrowingBytes, { id, track }: InitTrack, placed: readonly Placed[]): number {
  const isVideo = track.kind === 'video';
  let offsetAt = 0;
  addBox(out, 'traf', () => {
    addFullBox(out, 'tfhd', 0, DEFAULT_BASE_IS_MOOF, () => out.add32(id));
    addFullBox(out, 'tfdt', 1, 0, () => out.add64(placed[0]!.startTicks));
    const fields = RUN_DURATION | RUN_SIZE | RUN_FLAGS | (isVideo ? RUN_COMPOSITION : 0);
    // Version 1: composition offsets are signed.
    addFullBox(out, 'trun', 1, fields | RUN_DATA_OFFSET, () => {
      out.add32(placed.length);
      offsetAt = out.length;
      out.add32(0);
      for (const { sample, durationTicks } of placed) {
        out.add32(durationTicks);
        out.add32(sample.data.length);
        out.add32(sample.key ? KEY : NOT_KEY);
        if (isVideo) out.add32(Math.round((sample.ptsMs - sample.dtsMs) * 90));
      }
    });
  });
  return offsetAt;
}

function frameSamples({ codec }: SampleTrack, { data }: MediaSample): number {
  if (codec === 'opus') return opusPacketSamples(data);
  if (codec !== 'mp3') return AAC_FRAME_SAMPLES;
  const hasHead = data.length >= MPEG_AUDIO_HEAD_BYTES && readMpegAudioHead(data, 0, mp3Head);
  return hasHead ? mp3Head.samples : MP3_FRAME_SAMPLES;
}

const mp3Head: AudioFrameHead = { frameBytes: 0, samples: 0, sampleRate: 0 };
