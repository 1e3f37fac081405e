import { Mp4Demuxer } from '../../core/mp4/demuxer.ts';
import { UnitCollector } from './access-units.ts';
import type { Sampled } from './tag-samples.ts';

/** OpusHead (RFC 7845, 5.1): one channel, 48 kHz. */
const OPUS_HEAD = Uint8Array.of(...Buffer.from('OpusHead'), 1, 1, 0x38, 1, 0x80, 0xbb, 0, 0, 0, 0, 0);
/** VPCodecConfigurationRecord: profile 0, level 1.0, 8 bits, 4:2:0. */
const VP9_CONFIG = Uint8Array.of(0, 10, 0x82, 1, 1, 1, 0, 0);

/** Tracks and samples of a fragmented MP4 of one track: for codecs that no FLV of ffmpeg 5.1 holds. MP4 wraps access units as FLV does. */
export function samplesOfMp4(mp4: Uint8Array): Sampled {
  const sink = new UnitCollector();
  new Mp4Demuxer(sink).push(mp4);
  const [{ kind, codec, config } = {}] = sink.descriptions[0]!;
  const made = codec === 'opus' ? OPUS_HEAD : codec === 'vp9' ? VP9_CONFIG : new Uint8Array(0);
  return {
    tracks: [{ kind: kind!, codec: codec!, config: config ?? made }],
    samples: sink.units.map(({ ptsMs, dtsMs, key, head }, index) => {
      const durationMs = (sink.units[index + 1]?.dtsMs ?? dtsMs + 40) - dtsMs;
      return { kind: kind!, ptsMs, dtsMs, key, durationMs, data: head };
    }),
  };
}
