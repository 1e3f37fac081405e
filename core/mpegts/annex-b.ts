import type { GrowingBytes } from '../growing-bytes.ts';
import { readAvcC } from '../h264/avcc.ts';
import * as h264 from '../h264/nal.ts';
import { readHvcC } from '../h265/hvcc.ts';
import * as h265 from '../h265/nal.ts';
import type { MediaSample, SampleTrack } from '../media-sample.ts';

const START_CODE = Uint8Array.of(0, 0, 0, 1);
/** Any slice type may follow: primary_pic_type 7 (H.264 7.3.2.4), pic_type 2 (H.265 7.3.2.5); each ends in a one bit. */
const H264_DELIMITER = Uint8Array.of(h264.NAL_AUD, 0xf0);
const H265_DELIMITER = Uint8Array.of(h265.NAL_AUD << 1, 1, 0x50);

/**
 * Turns length-prefixed access units into the byte stream of Annex B as MPEG-TS wants it (ISO/IEC 13818-1, 2.14 and 2.17): first the
 * access unit delimiter, the parameter sets before each key picture, and all else untouched and in its order.
 */
export class AnnexBWriter {
  readonly #nalLengthBytes: number;
  readonly #isH264: boolean;
  readonly #parameterSets: readonly Uint8Array[];

  /** Throws what `readAvcC` and `readHvcC` throw. */
  constructor({ codec, config }: SampleTrack) {
    this.#isH264 = codec === 'h264';
    if (this.#isH264) {
      const { nalLengthBytes, sps, pps } = readAvcC(config);
      this.#nalLengthBytes = nalLengthBytes;
      this.#parameterSets = [...sps, ...pps];
    } else {
      const { nalLengthBytes, vps, sps, pps } = readHvcC(config);
      this.#nalLengthBytes = nalLengthBytes;
      this.#parameterSets = [...vps, ...sps, ...pps];
    }
  }

  /** Throws `NAL_TRUNCATED` and `NAL_TOO_MANY`: then `into` has got nothing. */
  write({ data, key }: MediaSample, into: GrowingBytes): void {
    const nals = h264.splitLengthPrefixed(data, 0, data.length, this.#nalLengthBytes);
    addNal(into, this.#isH264 ? H264_DELIMITER : H265_DELIMITER);
    // Encoders that repeat their parameter sets mean those: they may be newer than the configuration.
    const hasSets = nals.some(({ start }) => this.#isParameterSet(data[start]!));
    if (key && !hasSets) for (const set of this.#parameterSets) addNal(into, set);
    for (const { start, end } of nals) {
      if (!this.#isDelimiter(data[start]!)) addNal(into, data.subarray(start, end));
    }
  }

  #isParameterSet(header: number): boolean {
    return this.#isH264 ? h264.nalType(header) === h264.NAL_SPS : h265.nalType(header) === h265.NAL_SPS;
  }

  #isDelimiter(header: number): boolean {
    return this.#isH264 ? h264.nalType(header) === h264.NAL_AUD : h265.nalType(header) === h265.NAL_AUD;
  }
}

function addNal(into: GrowingBytes, nal: Uint8Array): void {
  into.add(START_CODE);
  into.add(nal);
}
