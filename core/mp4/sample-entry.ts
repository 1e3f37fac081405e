import { readAudioSpecificConfig } from '../aac/audio-specific-config.ts';
import type { GrowingBytes } from '../growing-bytes.ts';
import { readAvcC } from '../h264/avcc.ts';
import { readSps as readH264Sps } from '../h264/sps.ts';
import { readHvcC } from '../h265/hvcc.ts';
import { readSps as readH265Sps } from '../h265/sps.ts';
import { ProtocolError } from '../media.ts';
import type { MediaSample, SampleTrack } from '../media-sample.ts';
import { type AudioFrameHead, MPEG_AUDIO_HEAD_BYTES, readMpegAudioHead } from '../mpegts/audio-frame.ts';
import { OPUS_SAMPLE_RATE } from '../opus/packet.ts';
import { readVp9FrameSize } from '../vp9/frame-size.ts';
import { addBox, addFullBox } from './box-writer.ts';

/** What a track's boxes say of its codec. */
export interface EntryDescription {
  /** Of the sample entry. */
  readonly name: 'avc1' | 'hvc1' | 'vp09' | 'mp4a' | 'Opus';
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Hz; 0 for pictures. */
  readonly sampleRate: number;
}

/** objectTypeIndication (ISO/IEC 14496-1, table 5): MPEG-4 audio, and MPEG-1 audio for MP3. */
const OBJECT_AAC = 0x40;
const OBJECT_MP3 = 0x6b;

const OPUS_HEAD_BYTES = 19;
const OPUS_MAGIC_BYTES = 8;

const CODECS: ReadonlySet<string> = new Set(['h264', 'h265', 'vp9', 'aac', 'mp3', 'opus']);

/** What this writer has a sample entry for. */
export function isMp4Codec(codec: SampleTrack['codec']): boolean {
  return CODECS.has(codec);
}

/**
 * `first` is a key picture or sound of the track, for what a configuration does not say: the size of VP9, all of MP3. Throws `MP4_CODEC` for
 * codecs without an entry, and what readers of configurations throw.
 */
export function describeEntry(track: SampleTrack, first: MediaSample | null): EntryDescription {
  const picture = { channels: 0, sampleRate: 0 };
  const sound = { width: 0, height: 0 };
  switch (track.codec) {
    case 'h264': {
      const { width, height } = readH264Sps(expectSet(readAvcC(track.config).sps[0]));
      return { name: 'avc1', width, height, ...picture };
    }
    case 'h265': {
      const { width, height } = readH265Sps(expectSet(readHvcC(track.config).sps[0]));
      return { name: 'hvc1', width, height, ...picture };
    }
    case 'vp9': {
      const size = first && readVp9FrameSize(first.data);
      return { name: 'vp09', width: size?.width ?? 0, height: size?.height ?? 0, ...picture };
    }
    case 'aac': {
      const { channels, sampleRate } = readAudioSpecificConfig(track.config);
      return { name: 'mp4a', ...sound, channels, sampleRate };
    }
    case 'mp3': {
      const isHead =
        first && first.data.length >= MPEG_AUDIO_HEAD_BYTES && readMpegAudioHead(first.data, 0, mp3Head);
      // channel_mode 3 is one channel (ISO/IEC 11172-3, 2.4.2.3)
      const channels = isHead && first.data[3]! >> 6 === 3 ? 1 : 2;
      return { name: 'mp4a', ...sound, channels, sampleRate: isHead ? mp3Head.sampleRate : 44_100 };
    }
    case 'opus': {
      const { config } = track;
      if (config.length < OPUS_HEAD_BYTES) {
        throw new ProtocolError(
          'MP4_OPUS_HEAD',
          `expected OpusHead of at least ${OPUS_HEAD_BYTES} bytes, got ${config.length}`,
        );
      }
      return { name: 'Opus', ...sound, channels: config[9]!, sampleRate: OPUS_SAMPLE_RATE };
    }
    default:
      throw new ProtocolError(
        'MP4_CODEC',
        `expected H.264, H.265, VP9, AAC, MP3 or Opus for MP4, got ${track.codec}`,
      );
  }
}

const mp3Head: AudioFrameHead = { frameBytes: 0, samples: 0, sampleRate: 0 };

/** 8.5.2 and 12.1.3 VisualSampleEntry or 12.2.3 AudioSampleEntry, with the codec's own box inside. */
export function addSampleEntry(out: GrowingBytes, track: SampleTrack, description: EntryDescription): void {
  const { name, width, height, channels, sampleRate } = description;
  addBox(out, name, () => {
    out.zeros(6);
    out.add16(1); // data_reference_index
    if (track.kind === 'video') {
      out.zeros(16);
      out.add16(width);
      out.add16(height);
      out.add32(0x00480000); // 72 dpi
      out.add32(0x00480000);
      out.zeros(4);
      out.add16(1); // frame_count
      out.zeros(32); // compressorname
      out.add16(0x0018); // depth
      out.add16(0xffff);
    } else {
      out.zeros(8);
      out.add16(channels);
      out.add16(16); // samplesize
      out.zeros(4);
      // 16.16 fixed point: rates above 65,535 Hz do not fit, and are in the codec's own record.
      out.add32(sampleRate < 0x10000 ? sampleRate * 0x10000 : 0);
    }
    addCodecBox(out, track);
  });
}

function addCodecBox(out: GrowingBytes, { codec, config }: SampleTrack): void {
  if (codec === 'h264') addBox(out, 'avcC', () => out.add(config));
  else if (codec === 'h265') addBox(out, 'hvcC', () => out.add(config));
  else if (codec === 'vp9') addFullBox(out, 'vpcC', 1, 0, () => out.add(config));
  else if (codec === 'opus') addBox(out, 'dOps', () => addOpusConfig(out, config));
  else
    addFullBox(out, 'esds', 0, 0, () =>
      addStreamDescriptor(out, codec === 'aac' ? OBJECT_AAC : OBJECT_MP3, config),
    );
}

/** OpusHead (RFC 7845, 5.1) without its magic, version 0 and in big-endian: "Encapsulation of Opus in ISOBMFF", 4.3.2. */
function addOpusConfig(out: GrowingBytes, head: Uint8Array): void {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  out.add8(0);
  out.add8(head[OPUS_MAGIC_BYTES + 1]!); // channels
  out.add16(view.getUint16(OPUS_MAGIC_BYTES + 2, true)); // pre-skip
  out.add32(view.getUint32(OPUS_MAGIC_BYTES + 4, true)); // rate of the input
  out.add16(view.getUint16(OPUS_MAGIC_BYTES + 8, true)); // gain
  out.add(head.subarray(OPUS_MAGIC_BYTES + 10)); // mapping family, and its table
}

/** ES_Descriptor (ISO/IEC 14496-1, 7.2.6.5): tags and lengths of one byte each. */
function addStreamDescriptor(out: GrowingBytes, objectType: number, config: Uint8Array): void {
  const specificBytes = config.length === 0 ? 0 : 2 + config.length;
  if (23 + specificBytes > 0x7f) {
    throw new ProtocolError(
      'AAC_CONFIG',
      `expected an AudioSpecificConfig of at most 100 bytes, got ${config.length}`,
    );
  }
  out.add8(3); // ES_Descriptor
  out.add8(3 + 15 + specificBytes + 3);
  out.add16(0);
  out.add8(0);
  out.add8(4); // DecoderConfigDescriptor
  out.add8(13 + specificBytes);
  out.add8(objectType);
  out.add8(0x15); // audio stream
  out.zeros(3 + 4 + 4); // buffer size and bit rates: not said
  if (specificBytes > 0) {
    out.add8(5); // DecoderSpecificInfo
    out.add8(config.length);
    out.add(config);
  }
  out.add8(6); // SLConfigDescriptor: as MP4 has it
  out.add8(1);
  out.add8(2);
}

function expectSet(set: Uint8Array | undefined): Uint8Array {
  if (set) return set;
  throw new ProtocolError('MP4_NO_SPS', 'expected a configuration with an SPS, got one without');
}
