/** The 3- and 4-byte integers of RTMP headers and control messages, most significant byte first. */
export function read24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}

export function read32(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) << 24) | read24(bytes, at + 1)) >>> 0;
}

export function put24(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 16;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value;
}

export function put32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  put24(bytes, at + 1, value);
}
