import { ProtocolError } from '../media.ts';

/** Where a box lies (ISO/IEC 14496-12, 4.2). Reused between calls. */
export interface Box {
  type: number;
  /** First byte of its content, and the first byte after it. */
  start: number;
  end: number;
}

export function box(): Box {
  return { type: 0, start: 0, end: 0 };
}

/** A box type as the number that its four characters are on the wire. */
export function boxType(name: string): number {
  return (
    ((name.charCodeAt(0) << 24) |
      (name.charCodeAt(1) << 16) |
      (name.charCodeAt(2) << 8) |
      name.charCodeAt(3)) >>>
    0
  );
}

export function boxName(type: number): string {
  return String.fromCharCode(type >>> 24, (type >> 16) & 0xff, (type >> 8) & 0xff, type & 0xff);
}

/**
 * Reads the box at `at` into `into`; it must end at `end` or before. Size 0 means "to the end".
 * Throws `MP4_BOX_SIZE`.
 */
export function readBox(bytes: Uint8Array, at: number, end: number, into: Box): void {
  const room = end - at;
  let size = room >= 8 ? read32(bytes, at) : -1;
  let headBytes = 8;
  if (size === 1 && room >= 16) {
    size = read64(bytes, at + 8);
    headBytes = 16;
  } else if (size === 0) size = room;
  if (size < headBytes || size > room) {
    throw new ProtocolError('MP4_BOX_SIZE', `expected a box of ${headBytes} to ${room} bytes, got ${size}`);
  }
  into.type = read32(bytes, at + 4);
  into.start = at + headBytes;
  into.end = at + size;
}

/** The boxes within `bytes[start, end)`, one after the other. */
export function forEachBox(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (type: number, start: number, end: number) => void,
): void {
  const inner = box();
  // Some writers (QuickTime) end a list of boxes with a zero of 32 bits.
  for (let at = start; end - at >= 8; at = inner.end) {
    readBox(bytes, at, end, inner);
    visit(inner.type, inner.start, inner.end);
  }
}

export function read32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

export function readSigned32(bytes: Uint8Array, at: number): number {
  return read32(bytes, at) | 0;
}

/** Exact up to 2⁵³; throws `MP4_NUMBER` above. */
export function read64(bytes: Uint8Array, at: number): number {
  const value = read32(bytes, at) * 2 ** 32 + read32(bytes, at + 4);
  if (!Number.isSafeInteger(value)) {
    throw new ProtocolError('MP4_NUMBER', `expected a number below 2^53, got ${value}`);
  }
  return value;
}

/** The content of a box has at least so many bytes, or `MP4_TRUNCATED`. */
export function expectBytes(name: string, start: number, end: number, wanted: number): void {
  if (end - start >= wanted) return;
  throw new ProtocolError(
    'MP4_TRUNCATED',
    `expected at least ${wanted} bytes of "${name}", got ${end - start}`,
  );
}
