import { crc32 } from './crc32.ts';
import type { ProgramStream } from './program.ts';

export const PMT_PID = 0x1000;
const PROGRAM = 1;

/** stream_type, table 2-34: the counterpart of what `readProgramMap` knows. */
const STREAM_TYPES: Readonly<Record<ProgramStream['codec'], number>> = {
  h264: 27,
  h265: 36,
  aac: 15,
  mp3: 3,
};
/** registration_descriptor (2.6.8) "HEVC": Apple's players ask for it. */
const HEVC_REGISTRATION = [0x05, 4, 0x48, 0x45, 0x56, 0x43];

/** 2.4.4.3 Program association section, with the pointer field in front: one program. */
export function programAssociation(): Uint8Array {
  return section(0x00, PROGRAM, [0, PROGRAM, 0xe0 | (PMT_PID >> 8), PMT_PID & 0xff]);
}

/** 2.4.4.8 Program map section, with the pointer field in front. */
export function programMap(pcrPid: number, streams: readonly ProgramStream[]): Uint8Array {
  const content = [0xe0 | (pcrPid >> 8), pcrPid & 0xff, 0xf0, 0];
  for (const { pid, codec } of streams) {
    const descriptors = codec === 'h265' ? HEVC_REGISTRATION : [];
    content.push(
      STREAM_TYPES[codec],
      0xe0 | (pid >> 8),
      pid & 0xff,
      0xf0,
      descriptors.length,
      ...descriptors,
    );
  }
  return section(0x02, PROGRAM, content);
}

function section(tableId: number, id: number, content: readonly number[]): Uint8Array {
  const length = 5 + content.length + 4;
  // pointer_field; section_syntax_indicator and reserved bits; version 0, current; section 0 of 0
  const head = [0, tableId, 0xb0 | (length >> 8), length & 0xff, 0, id, 0xc1, 0, 0];
  const bytes = new Uint8Array(1 + 3 + length);
  bytes.set([...head, ...content]);
  const end = bytes.length - 4;
  new DataView(bytes.buffer).setUint32(end, crc32(bytes, 1, end));
  return bytes;
}
