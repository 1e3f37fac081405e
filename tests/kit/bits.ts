/** Bits as text, for parameter sets that no encoder at hand writes: `'1' + ue(3) + bits(5, 8)`. */
export function bits(value: number, count: number): string {
  return value.toString(2).padStart(count, '0');
}

/** Unsigned Exp-Golomb code, H.264 9.1. */
export function ue(value: number): string {
  const digits = (value + 1).toString(2);
  return '0'.repeat(digits.length - 1) + digits;
}

/** Signed Exp-Golomb code, H.264 9.1.1. */
export function se(value: number): string {
  return ue(value > 0 ? 2 * value - 1 : -2 * value);
}

export function bitsOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => bits(byte, 8)).join('');
}

/** The bytes of these bits, filled up with zeros. */
export function bytesOf(text: string): Uint8Array {
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8, '0');
  return Uint8Array.from(padded.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}
