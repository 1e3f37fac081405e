import type { VideoCodec } from '../media.ts';
import { fourCc, readEnhancedHead, signed24 } from './enhanced.ts';

/** What the first bytes of a video tag body say. Reused between calls: nothing is allocated per frame. */
export interface VideoHead {
  codec: VideoCodec;
  /** `other` for every packet that is not `frames`: a configuration is no key frame, though it is marked as one. */
  frame: 'key' | 'inter' | 'other';
  /** `config` is the avcC, hvcC, av1C … record, `metadata` HDR colour information (enhanced only). */
  packet: 'config' | 'frames' | 'end' | 'metadata';
  /** Presentation time − decode time; 0 where the codec or the packet has none. */
  compositionMs: number;
  /** Where the codec's data begins, counted from the body's first byte (`start`). */
  dataOffset: number;
}

export function videoHead(): VideoHead {
  return { codec: 'h264', frame: 'other', packet: 'config', compositionMs: 0, dataOffset: 0 };
}

// E.4.3.1 VIDEODATA, CodecID. 12 is not Adobe's: Chinese CDNs and their players agreed on it for HEVC.
const CODEC_AVC = 7;
const CODEC_HEVC = 12;

// Enhanced RTMP v2, VideoPacketType.
const SEQUENCE_START = 0;
const CODED_FRAMES = 1;
const SEQUENCE_END = 2;
const CODED_FRAMES_X = 3;
const METADATA = 4;
const MPEG2TS_SEQUENCE_START = 5;

const AVC1 = fourCc('avc1');
const HVC1 = fourCc('hvc1');
const VP09 = fourCc('vp09');
const AV01 = fourCc('av01');
const VP08 = fourCc('vp08');

const IS_EX_HEADER = 0x80;

/**
 * Reads the head of a video tag body `bytes[start, end)` into `into` (whose content is undefined after false).
 *
 * False: not a packet of a codec in `VideoCodec` (Sorenson, VP6 …), a command frame, a second track, or too short
 * to say. Of a multitrack tag the first track is read, and only if it is track 0, the default one.
 */
export function readVideoHead(bytes: Uint8Array, start: number, end: number, into: VideoHead): boolean {
  if (end <= start) return false;
  const first = bytes[start]!;
  if (first & IS_EX_HEADER) return readEnhanced(bytes, start, end, into);

  const codec = first & 0x0f;
  if (codec === CODEC_AVC) into.codec = 'h264';
  else if (codec === CODEC_HEVC) into.codec = 'h265';
  else return false;
  // E.4.3.1 AVCPacketType and CompositionTime; a command frame (type 5) has neither.
  if (end - start < 5 || first >> 4 === 5) return false;
  const packet = bytes[start + 1]!;
  into.dataOffset = 5;
  return describe(packet <= SEQUENCE_END ? packet : -1, first >> 4, signed24(bytes, start + 2), into);
}

/** Enhanced RTMP v2, "Enhanced Video": ExVideoTagHeader and the start of ExVideoTagBody. */
function readEnhanced(bytes: Uint8Array, start: number, end: number, into: VideoHead): boolean {
  const frameType = (bytes[start]! >> 4) & 7;
  if (!readEnhancedHead(bytes, start, end, 6, enhanced)) return false;
  const { fourCc: code, packetType } = enhanced;
  if (frameType === 5 && packetType !== METADATA) return false;
  let hasComposition = false;
  if (code === AVC1 || code === HVC1) {
    into.codec = code === AVC1 ? 'h264' : 'h265';
    hasComposition = packetType === CODED_FRAMES;
  } else if (code === VP09) into.codec = 'vp9';
  else if (code === AV01) into.codec = 'av1';
  else if (code === VP08) into.codec = 'vp8';
  else return false;

  const at = start + enhanced.dataOffset;
  if (hasComposition && end - at < 3) return false;
  into.dataOffset = enhanced.dataOffset + (hasComposition ? 3 : 0);
  return describe(packetType, frameType, hasComposition ? signed24(bytes, at) : 0, into);
}

const enhanced = { packetType: 0, fourCc: 0, dataOffset: 0 };

function describe(packetType: number, frameType: number, compositionMs: number, into: VideoHead): boolean {
  into.frame = 'other';
  into.compositionMs = 0;
  switch (packetType) {
    case SEQUENCE_START:
    case MPEG2TS_SEQUENCE_START:
      into.packet = 'config';
      return true;
    case CODED_FRAMES:
    case CODED_FRAMES_X:
      into.packet = 'frames';
      into.compositionMs = compositionMs;
      // 1 key, 2 inter, 3 disposable inter, 4 generated key (made by a server for seeking)
      if (frameType === 1 || frameType === 4) into.frame = 'key';
      else if (frameType === 2 || frameType === 3) into.frame = 'inter';
      return true;
    case SEQUENCE_END:
      into.packet = 'end';
      return true;
    case METADATA:
      into.packet = 'metadata';
      return true;
    default:
      return false;
  }
}
