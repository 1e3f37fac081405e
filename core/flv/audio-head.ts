import type { AudioCodec } from '../media.ts';
import { fourCc, readEnhancedHead } from './enhanced.ts';

/** What the first bytes of an audio tag body say. Reused between calls. */
export interface AudioHead {
  codec: AudioCodec;
  /** `config` is the AudioSpecificConfig, OpusHead …; MP3 and AC-3 have none. `metadata`: multichannel layout. */
  packet: 'config' | 'frames' | 'end' | 'metadata';
  /** Where the codec's data begins, counted from the body's first byte (`start`). */
  dataOffset: number;
}

export function audioHead(): AudioHead {
  return { codec: 'aac', packet: 'config', dataOffset: 0 };
}

// E.4.2.1 AUDIODATA, SoundFormat; 9 was reserved and is the ExHeader of Enhanced RTMP v2.
const FORMAT_MP3 = 2;
const FORMAT_EX_HEADER = 9;
const FORMAT_AAC = 10;
const FORMAT_MP3_8K = 14;

// Enhanced RTMP v2, AudioPacketType.
const SEQUENCE_START = 0;
const CODED_FRAMES = 1;
const SEQUENCE_END = 2;
const MULTICHANNEL_CONFIG = 4;
const MULTITRACK = 5;

const MP4A = fourCc('mp4a');
const MP3 = fourCc('.mp3');
const OPUS = fourCc('Opus');
const FLAC = fourCc('fLaC');
const AC_3 = fourCc('ac-3');

/**
 * Reads the head of an audio tag body `bytes[start, end)` into `into` (whose content is undefined after false).
 * False: a codec that is not in `AudioCodec` (Speex, PCM, E-AC-3 …), a second track, or too short to say.
 */
export function readAudioHead(bytes: Uint8Array, start: number, end: number, into: AudioHead): boolean {
  if (end <= start) return false;
  switch (bytes[start]! >> 4) {
    case FORMAT_AAC:
      // E.4.2.2 AACPacketType
      if (end - start < 2 || bytes[start + 1]! > CODED_FRAMES) return false;
      into.codec = 'aac';
      into.packet = bytes[start + 1] === SEQUENCE_START ? 'config' : 'frames';
      into.dataOffset = 2;
      return true;
    case FORMAT_MP3:
    case FORMAT_MP3_8K:
      into.codec = 'mp3';
      into.packet = 'frames';
      into.dataOffset = 1;
      return true;
    case FORMAT_EX_HEADER:
      return readEnhanced(bytes, start, end, into);
    default:
      return false;
  }
}

const enhanced = { packetType: 0, fourCc: 0, dataOffset: 0 };

function readEnhanced(bytes: Uint8Array, start: number, end: number, into: AudioHead): boolean {
  if (!readEnhancedHead(bytes, start, end, MULTITRACK, enhanced)) return false;
  if (enhanced.fourCc === MP4A) into.codec = 'aac';
  else if (enhanced.fourCc === OPUS) into.codec = 'opus';
  else if (enhanced.fourCc === FLAC) into.codec = 'flac';
  else if (enhanced.fourCc === AC_3) into.codec = 'ac3';
  else if (enhanced.fourCc === MP3) into.codec = 'mp3';
  else return false;

  into.dataOffset = enhanced.dataOffset;
  if (enhanced.packetType === CODED_FRAMES) into.packet = 'frames';
  else if (enhanced.packetType === SEQUENCE_START) into.packet = 'config';
  else if (enhanced.packetType === SEQUENCE_END) into.packet = 'end';
  else if (enhanced.packetType === MULTICHANNEL_CONFIG) into.packet = 'metadata';
  else return false;
  return true;
}
