import { BitReader } from '../h264/bit-reader.ts';
import { removeEmulation } from '../h264/emulation.ts';
import { CHROMA_FORMATS, MAX_DIMENSION, readCropping, type Sps } from '../h264/sps.ts';
import { NO_SIGNAL_INFO, readSignalInfo } from '../h264/vui.ts';
import { ProtocolError } from '../media.ts';
import { NAL_HEADER_BYTES, NAL_SPS, nalType } from './nal.ts';
import { type ProfileTierLevel, readProfileTierLevel } from './profile-tier-level.ts';
import { skipShortTermReferenceSets } from './reference-sets.ts';

/**
 * Reads an H.265 SPS (7.3.2.2 and annex E), the NAL unit `bytes[start, end)` with its two header bytes.
 * Throws `SPS_TYPE`, `SPS_TRUNCATED`, `SPS_RANGE` or `NAL_EXP_GOLOMB`.
 */
export function readSps(bytes: Uint8Array, start = 0, end = bytes.length): H265Sps {
  if (end - start < NAL_HEADER_BYTES || nalType(bytes[start]!) !== NAL_SPS) {
    throw new ProtocolError('SPS_TYPE', `expected an H.265 SPS (NAL type ${NAL_SPS}), got another NAL unit`);
  }
  const bits = new BitReader(removeEmulation(bytes, start + NAL_HEADER_BYTES, end), 'SPS_TRUNCATED');
  bits.skip(4); // sps_video_parameter_set_id
  const maxSubLayers = 1 + bits.bits(3);
  const temporalIdNested = bits.flag();
  const profileTierLevel = readProfileTierLevel(bits, maxSubLayers);
  bits.ueUpTo(15, 'sps_seq_parameter_set_id');
  const chromaFormat = bits.ueUpTo(3, 'chroma_format_idc');
  const separatePlanes = chromaFormat === 3 && bits.flag();
  const codedWidth = bits.ueUpTo(MAX_DIMENSION, 'pic_width_in_luma_samples');
  const codedHeight = bits.ueUpTo(MAX_DIMENSION, 'pic_height_in_luma_samples');
  // Table 6-1: the conformance window counts chroma samples.
  const unitX = !separatePlanes && (chromaFormat === 1 || chromaFormat === 2) ? 2 : 1;
  const unitY = !separatePlanes && chromaFormat === 1 ? 2 : 1;
  const { width, height } = readCropping(bits, codedWidth, codedHeight, unitX, unitY);
  const bitDepth = 8 + bits.ueUpTo(8, 'bit_depth_luma_minus8');
  bits.ueUpTo(8, 'bit_depth_chroma_minus8');
  const orderCountBits = 4 + bits.ueUpTo(12, 'log2_max_pic_order_cnt_lsb_minus4');

  let maxReorderFrames = 0;
  // Said for each temporal sub-layer, or for the highest one alone; the last is the highest.
  for (let layer = bits.flag() ? 0 : maxSubLayers - 1; layer < maxSubLayers; layer++) {
    bits.ueUpTo(16, 'sps_max_dec_pic_buffering_minus1');
    maxReorderFrames = bits.ueUpTo(16, 'sps_max_num_reorder_pics');
    bits.ue(); // sps_max_latency_increase_plus1
  }
  for (let field = 0; field < 6; field++) bits.ue(); // sizes and depths of coding and transform blocks
  if (bits.flag() && bits.flag()) skipScalingLists(bits);
  bits.skip(2); // amp_enabled_flag, sample_adaptive_offset_enabled_flag
  if (bits.flag()) {
    bits.skip(4 + 4); // pcm_sample_bit_depth_luma_minus1, …chroma…
    bits.ue(); // log2_min_pcm_luma_coding_block_size_minus3
    bits.ue(); // log2_diff_max_min_pcm_luma_coding_block_size
    bits.skip(1); // pcm_loop_filter_disabled_flag
  }
  skipShortTermReferenceSets(bits);
  if (bits.flag()) {
    const longTerm = bits.ueUpTo(32, 'num_long_term_ref_pics_sps');
    bits.skip(longTerm * (orderCountBits + 1));
  }
  bits.skip(2); // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag

  const vui = bits.flag() ? readVui(bits) : NO_VUI;
  return {
    profile: profileTierLevel.profile,
    level: profileTierLevel.level,
    codecString: profileTierLevel.codecString,
    width,
    height,
    codedWidth,
    codedHeight,
    chroma: CHROMA_FORMATS[chromaFormat]!,
    bitDepth,
    maxReorderFrames,
    ...vui,
    profileTierLevel,
    maxSubLayers,
    temporalIdNested,
  };
}

export interface H265Sps extends Sps {
  readonly profileTierLevel: ProfileTierLevel;
  /** Temporal sub-layers, 1 to 8. */
  readonly maxSubLayers: number;
  readonly temporalIdNested: boolean;
}

/** 7.3.4 scaling_list_data. */
function skipScalingLists(bits: BitReader): void {
  for (let size = 0; size < 4; size++) {
    for (let matrix = 0; matrix < 6; matrix += size === 3 ? 3 : 1) {
      if (!bits.flag()) {
        bits.ue(); // scaling_list_pred_matrix_id_delta
        continue;
      }
      if (size > 1) bits.se(); // scaling_list_dc_coef_minus8
      for (let left = Math.min(64, 1 << (4 + size * 2)); left > 0; left--) bits.se();
    }
  }
}

type Vui = Pick<Sps, 'fps' | 'fixedFrameRate' | 'interlaced' | 'signal'>;
const NO_VUI: Vui = { fps: null, fixedFrameRate: false, interlaced: false, signal: NO_SIGNAL_INFO };

/** E.2.1 VUI parameters, as far as the timing. */
function readVui(bits: BitReader): Vui {
  const signal = readSignalInfo(bits);
  bits.skip(1); // neutral_chroma_indication_flag
  const interlaced = bits.flag(); // field_seq_flag: each picture is a field
  bits.skip(1); // frame_field_info_present_flag
  if (bits.flag()) for (let side = 0; side < 4; side++) bits.ue(); // default display window: for overlays, not cropping
  let fps: number | null = null;
  if (bits.flag()) {
    const unitsInTick = bits.bits(32);
    const timeScale = bits.bits(32);
    // E.3.1: a tick is a picture's duration (in H.264 it is a field's).
    if (unitsInTick > 0 && timeScale > 0) fps = timeScale / unitsInTick;
  }
  return { fps, fixedFrameRate: false, interlaced, signal };
}
