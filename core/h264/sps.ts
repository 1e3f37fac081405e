import { ProtocolError } from '../media.ts';
import { BitReader } from './bit-reader.ts';
import { removeEmulation } from './emulation.ts';
import { NAL_SPS, nalType } from './nal.ts';
import { NO_SIGNAL_INFO, readSignalInfo, type SignalInfo } from './vui.ts';

/** What a sequence parameter set says of the pictures, H.264 and H.265 alike. */
export interface Sps {
  /** `High`, `Constrained Baseline`, `Main 10` …; `profile 99` for one without a name. */
  readonly profile: string;
  /** `3.1`, `1b`. */
  readonly level: string;
  /** RFC 6381, for the `codecs` parameter: `avc1.64001f`, `hvc1.1.6.L93.90`. */
  readonly codecString: string;
  /** Pixels shown, after cropping. */
  readonly width: number;
  readonly height: number;
  /** Pixels coded. */
  readonly codedWidth: number;
  readonly codedHeight: number;
  readonly chroma: Chroma;
  readonly bitDepth: number;
  /** H.264: pictures may be fields. H.265: each picture is one, so `height` and `fps` are those of fields. */
  readonly interlaced: boolean;
  /** Pictures per second by the VUI timing; null where not said. A hint: what the encoder was told, not what it sends. */
  readonly fps: number | null;
  readonly fixedFrameRate: boolean;
  /** How many frames may come before one that is shown earlier: 0 means no B-frame delay. Null where not said. */
  readonly maxReorderFrames: number | null;
  readonly signal: SignalInfo;
}

export type Chroma = '4:0:0' | '4:2:0' | '4:2:2' | '4:4:4';
export const CHROMA_FORMATS: readonly Chroma[] = ['4:0:0', '4:2:0', '4:2:2', '4:4:4'];

/** 8K and a good margin; a larger claim is broken or hostile. */
export const MAX_DIMENSION = 16_384;

/** profile_idc whose SPS has chroma_format_idc and what follows it, 7.3.2.1.1. */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
const PROFILE_NAMES: Readonly<Record<number, string>> = {
  44: 'CAVLC 4:4:4',
  66: 'Baseline',
  77: 'Main',
  83: 'Scalable Baseline',
  86: 'Scalable High',
  88: 'Extended',
  100: 'High',
  110: 'High 10',
  118: 'Multiview High',
  122: 'High 4:2:2',
  128: 'Stereo High',
  244: 'High 4:4:4 Predictive',
};

/**
 * Reads an H.264 SPS (7.3.2.1.1 and annex E), the NAL unit `bytes[start, end)` with its header byte.
 * Throws `SPS_TYPE`, `SPS_TRUNCATED`, `SPS_RANGE` or `NAL_EXP_GOLOMB`.
 */
export function readSps(bytes: Uint8Array, start = 0, end = bytes.length): Sps {
  if (end <= start || nalType(bytes[start]!) !== NAL_SPS) {
    throw new ProtocolError('SPS_TYPE', `expected an H.264 SPS (NAL type ${NAL_SPS}), got another NAL unit`);
  }
  const bits = new BitReader(removeEmulation(bytes, start + 1, end), 'SPS_TRUNCATED');
  const profileIdc = bits.bits(8);
  const constraints = bits.bits(8);
  const levelIdc = bits.bits(8);
  bits.ueUpTo(31, 'seq_parameter_set_id');

  let chromaFormat = 1;
  let separatePlanes = false;
  let bitDepth = 8;
  if (HIGH_PROFILES.has(profileIdc)) {
    chromaFormat = bits.ueUpTo(3, 'chroma_format_idc');
    if (chromaFormat === 3) separatePlanes = bits.flag();
    bitDepth = 8 + bits.ueUpTo(6, 'bit_depth_luma_minus8');
    bits.ueUpTo(6, 'bit_depth_chroma_minus8');
    bits.skip(1); // qpprime_y_zero_transform_bypass_flag
    if (bits.flag()) skipScalingMatrix(bits, chromaFormat === 3 ? 12 : 8);
  }
  bits.ueUpTo(12, 'log2_max_frame_num_minus4');
  skipPictureOrderCount(bits);
  bits.ueUpTo(16, 'max_num_ref_frames');
  bits.skip(1); // gaps_in_frame_num_value_allowed_flag

  const widthInMbs = 1 + bits.ueUpTo(MAX_DIMENSION / 16 - 1, 'pic_width_in_mbs_minus1');
  const heightInMapUnits = 1 + bits.ueUpTo(MAX_DIMENSION / 16 - 1, 'pic_height_in_map_units_minus1');
  const frameMbsOnly = bits.flag();
  if (!frameMbsOnly) bits.skip(1); // mb_adaptive_frame_field_flag
  bits.skip(1); // direct_8x8_inference_flag
  const codedWidth = widthInMbs * 16;
  const codedHeight = heightInMapUnits * 16 * (frameMbsOnly ? 1 : 2);

  // 7.4.2.1.1: cropping counts chroma samples, and in pairs of lines where fields may come.
  const unitX = separatePlanes || chromaFormat === 0 || chromaFormat === 3 ? 1 : 2;
  const unitY = (chromaFormat === 1 ? 2 : 1) * (frameMbsOnly ? 1 : 2);
  const { width, height } = readCropping(bits, codedWidth, codedHeight, unitX, unitY);

  const vui = bits.flag() ? readVui(bits) : NO_VUI;
  return {
    profile: profileName(profileIdc, constraints),
    level: levelName(profileIdc, constraints, levelIdc),
    codecString: `avc1.${hex(profileIdc)}${hex(constraints)}${hex(levelIdc)}`,
    width,
    height,
    codedWidth,
    codedHeight,
    chroma: CHROMA_FORMATS[chromaFormat]!,
    bitDepth,
    interlaced: !frameMbsOnly,
    ...vui,
  };
}

/** frame_cropping (H.264) and conformance_window (H.265): a flag and left, right, top, bottom in units. */
export function readCropping(
  bits: BitReader,
  codedWidth: number,
  codedHeight: number,
  unitX: number,
  unitY: number,
): { width: number; height: number } {
  if (!bits.flag()) return { width: codedWidth, height: codedHeight };
  const [left, right, top, bottom] = [bits.ue(), bits.ue(), bits.ue(), bits.ue()];
  const width = codedWidth - (left + right) * unitX;
  const height = codedHeight - (top + bottom) * unitY;
  if (width < 1 || height < 1) {
    throw new ProtocolError(
      'SPS_RANGE',
      `expected cropping to leave something of ${codedWidth}x${codedHeight}, got ${width}x${height}`,
    );
  }
  return { width, height };
}

/** 7.3.2.1.1.1: lists of differences; a scale of 0 ends what is written of a list. */
function skipScalingMatrix(bits: BitReader, lists: number): void {
  for (let list = 0; list < lists; list++) {
    if (!bits.flag()) continue;
    const size = list < 6 ? 16 : 64;
    for (let i = 0, scale = 8; i < size && scale !== 0; i++) scale = (scale + bits.se()) & 0xff;
  }
}

function skipPictureOrderCount(bits: BitReader): void {
  const type = bits.ueUpTo(2, 'pic_order_cnt_type');
  if (type === 0) bits.ueUpTo(12, 'log2_max_pic_order_cnt_lsb_minus4');
  if (type !== 1) return;
  bits.skip(1); // delta_pic_order_always_zero_flag
  bits.se(); // offset_for_non_ref_pic
  bits.se(); // offset_for_top_to_bottom_field
  for (let left = bits.ueUpTo(255, 'num_ref_frames_in_pic_order_cnt_cycle'); left > 0; left--) bits.se();
}

type Vui = Pick<Sps, 'fps' | 'fixedFrameRate' | 'maxReorderFrames' | 'signal'>;
const NO_VUI: Vui = { fps: null, fixedFrameRate: false, maxReorderFrames: null, signal: NO_SIGNAL_INFO };

/** E.1.1 VUI parameters. */
function readVui(bits: BitReader): Vui {
  const signal = readSignalInfo(bits);
  let fps: number | null = null;
  let fixedFrameRate = false;
  if (bits.flag()) {
    const unitsInTick = bits.bits(32);
    const timeScale = bits.bits(32);
    fixedFrameRate = bits.flag();
    // E.2.1: a tick is a field's duration, also in progressive streams.
    if (unitsInTick > 0 && timeScale > 0) fps = timeScale / (2 * unitsInTick);
  }
  const nalHrd = bits.flag();
  if (nalHrd) skipHrd(bits);
  const vclHrd = bits.flag();
  if (vclHrd) skipHrd(bits);
  if (nalHrd || vclHrd) bits.skip(1); // low_delay_hrd_flag
  bits.skip(1); // pic_struct_present_flag
  let maxReorderFrames: number | null = null;
  if (bits.flag()) {
    bits.skip(1); // motion_vectors_over_pic_boundaries_flag
    for (let field = 0; field < 4; field++) bits.ue(); // sizes of pictures, macroblocks, motion vectors
    maxReorderFrames = bits.ueUpTo(16, 'max_num_reorder_frames');
  }
  return { fps, fixedFrameRate, maxReorderFrames, signal };
}

/** E.1.2 HRD parameters. */
function skipHrd(bits: BitReader): void {
  const count = 1 + bits.ueUpTo(31, 'cpb_cnt_minus1');
  bits.skip(4 + 4); // bit_rate_scale, cpb_size_scale
  for (let i = 0; i < count; i++) {
    bits.ue(); // bit_rate_value_minus1
    bits.ue(); // cpb_size_value_minus1
    bits.skip(1); // cbr_flag
  }
  bits.skip(4 * 5); // lengths of delays and offsets
}

/** A.2; constraint_set0 is the top bit. */
function profileName(profileIdc: number, constraints: number): string {
  if (profileIdc === 66 && constraints & 0x40) return 'Constrained Baseline';
  const name = PROFILE_NAMES[profileIdc] ?? `profile ${profileIdc}`;
  return (profileIdc === 110 || profileIdc === 122) && constraints & 0x10 ? `${name} Intra` : name;
}

/** A.3.1: level 1b is said by constraint_set3 in the old profiles and by 9 in the high ones. */
function levelName(profileIdc: number, constraints: number, levelIdc: number): string {
  const is1b = levelIdc === 9 || (levelIdc === 11 && constraints & 0x10 && profileIdc < 100);
  return is1b ? '1b' : (levelIdc / 10).toFixed(1);
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
