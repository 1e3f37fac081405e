import { FlvReader } from '../../core/flv/reader.ts';
import { TagSamples } from '../../core/flv/tag-samples.ts';
import type { MediaTag } from '../../core/media.ts';
import type { MediaSample, SampleTrack } from '../../core/media-sample.ts';

export interface Sampled {
  readonly tracks: readonly SampleTrack[];
  readonly samples: readonly MediaSample[];
}

/** The tags of a whole FLV file. */
export function flvTags(flv: Uint8Array): MediaTag[] {
  const tags: MediaTag[] = [];
  const reader = new FlvReader({
    head: (type, timestampMs, _bodyBytes, bytes, start, end) =>
      tags.push({ type, timestampMs, body: bytes.slice(start, end) }),
    end() {},
  });
  reader.push(flv);
  return tags;
}

/** Tracks and samples of a stream of tags, or of a whole FLV file. Each sample's duration is the time to the next of its kind. */
export function samplesOf(media: Uint8Array | readonly MediaTag[]): Sampled {
  const unwrap = new TagSamples();
  const tracks = new Map<string, SampleTrack>();
  const samples: MediaSample[] = [];
  const last = new Map<string, MediaSample>();
  for (const tag of media instanceof Uint8Array ? flvTags(media) : media) {
    const content = unwrap.read(tag);
    if (content === null) continue;
    const { track, sample } = content;
    if (sample === null || !tracks.has(track.kind)) tracks.set(track.kind, track);
    if (sample === null) continue;
    const previous = last.get(sample.kind);
    if (previous) previous.durationMs = sample.dtsMs - previous.dtsMs;
    last.set(sample.kind, sample);
    samples.push(sample);
  }
  return { tracks: [...tracks.values()], samples };
}
