import type { AudioCodec, VideoCodec } from '../media.ts';

/** What a program map says (ISO/IEC 13818-1, 2.4.4.8). */
export interface Program {
  readonly pcrPid: number;
  readonly streams: readonly ProgramStream[];
}

export interface ProgramStream {
  readonly pid: number;
  readonly codec: Extract<VideoCodec, 'h264' | 'h265'> | Extract<AudioCodec, 'aac' | 'mp3'>;
}

/** Far more than any program has; a section has room for some 200. */
export const MAX_STREAMS = 32;

/** stream_type, table 2-34. Others (LATM, AC-3, ID3, SCTE 35, sample encryption) are not measured. */
const CODECS: Readonly<Record<number, ProgramStream['codec']>> = {
  3: 'mp3',
  4: 'mp3',
  15: 'aac',
  27: 'h264',
  36: 'h265',
};

const HEAD_BYTES = 8;
const CRC_BYTES = 4;

/** The PID of the first program's map in a PAT section (2.4.4.3), or -1. Program 0 is the network's table. */
export function readProgramAssociation(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start + HEAD_BYTES; at + 4 <= end - CRC_BYTES; at += 4) {
    if (bytes[at] !== 0 || bytes[at + 1] !== 0) return pidAt(bytes, at + 2);
  }
  return -1;
}

/** A PMT section; null if its parts do not fit into it, or there are more than `MAX_STREAMS`. */
export function readProgramMap(bytes: Uint8Array, start: number, end: number): Program | null {
  const streamsEnd = end - CRC_BYTES;
  let at = start + HEAD_BYTES + 4;
  if (at > streamsEnd) return null;
  const pcrPid = pidAt(bytes, start + HEAD_BYTES);
  at += lengthAt(bytes, start + HEAD_BYTES + 2);
  const streams: ProgramStream[] = [];
  while (at + 5 <= streamsEnd) {
    const codec = CODECS[bytes[at]!];
    const pid = pidAt(bytes, at + 1);
    if (codec !== undefined && !streams.some((stream) => stream.pid === pid)) {
      if (streams.length === MAX_STREAMS) return null;
      streams.push({ pid, codec });
    }
    at += 5 + lengthAt(bytes, at + 3);
  }
  return at === streamsEnd ? { pcrPid, streams } : null;
}

function pidAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! & 0x1f) << 8) | bytes[at + 1]!;
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! & 0x0f) << 8) | bytes[at + 1]!;
}
