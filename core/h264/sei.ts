import { ProtocolError } from '../media.ts';
import { addEmulation, removeEmulation } from './emulation.ts';

/** SEI, H.264 7.3.2.3 and H.265 7.3.2.4: a NAL unit with one message after another. The same in both codecs. */
export interface SeiMessage {
  /** payloadType, annex D; 5 is user_data_unregistered. */
  readonly payloadType: number;
  readonly payload: Uint8Array;
}

export const SEI_USER_DATA_UNREGISTERED = 5;
const UUID_BYTES = 16;
/** rbsp_trailing_bits: a one and zeros to the end of the byte. */
const TRAILING_BITS = 0x80;

/**
 * The messages of the SEI NAL unit `bytes[start, end)`; `headerBytes` is 1 for H.264 and 2 for H.265.
 * Throws `NAL_SEI_TRUNCATED` if a message is longer than the unit.
 */
export function readSei(bytes: Uint8Array, start: number, end: number, headerBytes: 1 | 2): SeiMessage[] {
  const rbsp = removeEmulation(bytes, start + headerBytes, end);
  const messages: SeiMessage[] = [];
  let at = 0;
  const sum = (): number => {
    for (let total = 0; at < rbsp.length; ) {
      const byte = rbsp[at++]!;
      total += byte;
      if (byte !== 0xff) return total;
    }
    throw truncated();
  };
  // What is left at the end is the trailing bits. x265 and others leave them out: then nothing is left.
  while (at < rbsp.length && !(at === rbsp.length - 1 && rbsp[at] === TRAILING_BITS)) {
    const payloadType = sum();
    const size = sum();
    if (size > rbsp.length - at) throw truncated();
    messages.push({ payloadType, payload: rbsp.subarray(at, at + size) });
    at += size;
  }
  return messages;
}

/** An SEI NAL unit with these messages after the given header, without length prefix or start code. */
export function writeSei(header: readonly number[], messages: readonly SeiMessage[]): Uint8Array {
  const out: number[] = [];
  const sum = (value: number): void => {
    for (let rest = value; ; rest -= 0xff) {
      out.push(Math.min(rest, 0xff));
      if (rest < 0xff) return;
    }
  };
  for (const { payloadType, payload } of messages) {
    sum(payloadType);
    sum(payload.length);
    for (const byte of payload) out.push(byte);
  }
  out.push(TRAILING_BITS);
  const safe = addEmulation(Uint8Array.from(out));
  const nal = new Uint8Array(header.length + safe.length);
  nal.set(header);
  nal.set(safe, header.length);
  return nal;
}

/** user_data_unregistered, D.1.7: whose data it is, and the data. Null if the message is another, or too short. */
export function userData(message: SeiMessage): { uuid: string; data: Uint8Array } | null {
  const { payloadType, payload } = message;
  if (payloadType !== SEI_USER_DATA_UNREGISTERED || payload.length < UUID_BYTES) return null;
  const digits = Array.from(payload.subarray(0, UUID_BYTES), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
  const uuid = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { uuid, data: payload.subarray(UUID_BYTES) };
}

function truncated(): ProtocolError {
  return new ProtocolError('NAL_SEI_TRUNCATED', 'expected a whole SEI message, got one that is cut short');
}
