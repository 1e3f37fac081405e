import { crc32 } from './crc32.ts';

/** ISO/IEC 13818-1, 2.4.4.4 and 2.4.4.9: section_length of PAT and PMT is at most 1,021, plus the 3 bytes before. */
export const MAX_SECTION_BYTES = 1024;
const SECTION_HEAD_BYTES = 3;
const STUFFING = 0xff;

/**
 * Puts the sections of one PID together (2.4.4) from the payloads of its packets.
 *
 *     unit start:  pointer │ rest of the section before │ table_id, section_length │ section … │ ff ff ff
 *
 * `section` gets each whole section of the wanted table whose check code is right; `broken` is told of the others.
 */
export class SectionReader {
  readonly #tableId: number;
  readonly #section: (bytes: Uint8Array, start: number, end: number) => void;
  readonly #broken: () => void;
  #bytes = EMPTY;
  #held = 0;
  #open = false;

  constructor(
    tableId: number,
    section: (bytes: Uint8Array, start: number, end: number) => void,
    broken: () => void,
  ) {
    this.#tableId = tableId;
    this.#section = section;
    this.#broken = broken;
  }

  /** Packets were lost: what is held has a hole. */
  drop(): void {
    this.#open = false;
  }

  payload(isUnitStart: boolean, bytes: Uint8Array, start: number, end: number): void {
    if (!isUnitStart) {
      this.#add(bytes, start, end);
      return;
    }
    const first = start + 1 + bytes[start]!;
    if (first > end) {
      this.#open = false;
      this.#broken();
      return;
    }
    this.#add(bytes, start + 1, first);
    if (this.#open) this.#broken();
    // Usually a section lies in one packet, and is read where it is.
    let at = first;
    while (at < end && bytes[at] !== STUFFING) {
      const whole = end - at >= SECTION_HEAD_BYTES ? sectionBytes(bytes, at) : Number.POSITIVE_INFINITY;
      if (at + whole > end) {
        this.#open = true;
        this.#held = 0;
        this.#add(bytes, at, end);
        return;
      }
      this.#check(bytes, at, at + whole);
      at += whole;
    }
    this.#open = false;
  }

  #add(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#open) return;
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(MAX_SECTION_BYTES);
    for (let at = start; at < end; at++) {
      this.#bytes[this.#held++] = bytes[at]!;
      if (this.#held < SECTION_HEAD_BYTES) continue;
      const whole = sectionBytes(this.#bytes, 0);
      if (whole > MAX_SECTION_BYTES) {
        this.#open = false;
        this.#broken();
        return;
      }
      if (this.#held === whole) {
        this.#open = false;
        this.#check(this.#bytes, 0, whole);
        return;
      }
    }
  }

  #check(bytes: Uint8Array, start: number, end: number): void {
    if (bytes[start] !== this.#tableId) return;
    // A section with its check code gives zero.
    if (end - start > MAX_SECTION_BYTES || end - start < 12 || crc32(bytes, start, end) !== 0) this.#broken();
    else this.#section(bytes, start, end);
  }
}

const EMPTY = new Uint8Array(0);

function sectionBytes(bytes: Uint8Array, at: number): number {
  return SECTION_HEAD_BYTES + (((bytes[at + 1]! & 0x0f) << 8) | bytes[at + 2]!);
}
