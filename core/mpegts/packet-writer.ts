import type { GrowingBytes } from '../growing-bytes.ts';
import { writeClockReference } from './ticks.ts';

const PACKET_BYTES = 188;
const HEAD_BYTES = 4;
const SYNC_BYTE = 0x47;
const STUFFING = 0xff;
const RANDOM_ACCESS = 0x40;
const PCR = 0x10;

export interface UnitStart {
  /** Ticks of the clock reference to put into the first packet; null: none. */
  readonly pcrTicks: number | null;
  /** random_access_indicator: a key picture begins here. */
  readonly randomAccess: boolean;
}

export const PLAIN_START: UnitStart = { pcrTicks: null, randomAccess: false };

/** Cuts the payload of one PID into transport packets (ISO/IEC 13818-1, 2.4.3.2) and counts them. */
export class PacketWriter {
  readonly #pid: number;
  #counter = 0;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** A whole PES packet; what is left of its last packet is filled by the adaptation field. */
  write(payload: Uint8Array, { pcrTicks, randomAccess }: UnitStart, into: GrowingBytes): void {
    let at = 0;
    while (at < payload.length) {
      const isFirst = at === 0;
      // Length and flags, then the clock.
      let adaptation = isFirst && (pcrTicks !== null || randomAccess) ? (pcrTicks === null ? 2 : 8) : 0;
      const taken = Math.min(PACKET_BYTES - HEAD_BYTES - adaptation, payload.length - at);
      const stuffing = PACKET_BYTES - HEAD_BYTES - adaptation - taken;
      const packet = this.#head(isFirst, adaptation + stuffing > 0, true, into);
      const bytes = into.written;
      if (adaptation + stuffing > 0) {
        const field = packet + HEAD_BYTES;
        adaptation += stuffing;
        bytes[field] = adaptation - 1;
        if (adaptation > 1) {
          bytes[field + 1] =
            (isFirst && randomAccess ? RANDOM_ACCESS : 0) | (isFirst && pcrTicks !== null ? PCR : 0);
          let fillAt = field + 2;
          if (isFirst && pcrTicks !== null) {
            writeClockReference(bytes, fillAt, pcrTicks);
            fillAt += 6;
          }
          bytes.fill(STUFFING, fillAt, field + adaptation);
        }
      }
      bytes.set(payload.subarray(at, at + taken), packet + HEAD_BYTES + adaptation);
      at += taken;
    }
  }

  /** A section in one packet, filled up behind it (2.4.4): not for sections of more than 183 bytes. */
  writeSection(section: Uint8Array, into: GrowingBytes): void {
    const packet = this.#head(true, false, true, into);
    const bytes = into.written;
    bytes.set(section, packet + HEAD_BYTES);
    bytes.fill(STUFFING, packet + HEAD_BYTES + section.length, packet + PACKET_BYTES);
  }

  /** A packet that has the clock and nothing else: it does not count (2.4.3.3). */
  writeClock(pcrTicks: number, into: GrowingBytes): void {
    const packet = this.#head(false, true, false, into);
    const bytes = into.written;
    bytes[packet + HEAD_BYTES] = PACKET_BYTES - HEAD_BYTES - 1;
    bytes[packet + HEAD_BYTES + 1] = PCR;
    writeClockReference(bytes, packet + HEAD_BYTES + 2, pcrTicks);
    bytes.fill(STUFFING, packet + HEAD_BYTES + 8, packet + PACKET_BYTES);
  }

  #head(isUnitStart: boolean, hasAdaptation: boolean, hasPayload: boolean, into: GrowingBytes): number {
    const at = into.grow(PACKET_BYTES);
    const bytes = into.written;
    const counter = hasPayload ? this.#counter : (this.#counter + 15) & 15;
    if (hasPayload) this.#counter = (this.#counter + 1) & 15;
    bytes[at] = SYNC_BYTE;
    bytes[at + 1] = (isUnitStart ? 0x40 : 0) | (this.#pid >> 8);
    bytes[at + 2] = this.#pid & 0xff;
    bytes[at + 3] = (hasAdaptation ? 0x20 : 0) | (hasPayload ? 0x10 : 0) | counter;
    return at;
  }
}
