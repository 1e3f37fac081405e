import { NAL_SEI } from '../../../core/h264/nal.ts';
import { readNalStamp, STAMP_PAYLOAD_BYTES, type Stamp } from '../../../core/stamp/stamp.ts';

const USER_DATA_UNREGISTERED = 5;
const UUID_BYTES = 16;

/**
 * The stamp in a user_data_unregistered message as players hand it out: the UUID apart from what follows it.
 * Null: somebody else's message.
 */
export function readSeiStamp(uuid: Uint8Array, data: Uint8Array): Stamp | null {
  const size = uuid.length + data.length;
  // x265 puts a UUID of its own before ours: core/stamp/stamp.ts.
  if (size !== STAMP_PAYLOAD_BYTES && size !== STAMP_PAYLOAD_BYTES + UUID_BYTES) return null;
  const nal = Uint8Array.of(NAL_SEI, USER_DATA_UNREGISTERED, size, ...uuid, ...data, 0x80);
  const stamp = { publisher: 0, frame: 0, captureUs: 0 };
  return readNalStamp(nal, 0, nal.length, 'h264', stamp) === 'stamp' ? stamp : null;
}

/** `c5f1a86e-9d3b-…` as bytes. */
export function uuidBytes(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll('-', '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
