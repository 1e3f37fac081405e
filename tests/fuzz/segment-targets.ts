import { readAudioSpecificConfig } from '../../core/aac/audio-specific-config.ts';
import type { AccessUnitSink } from '../../core/access-unit.ts';
import { FlvReader } from '../../core/flv/reader.ts';
import { flvTag } from '../../core/flv/writer.ts';
import { HlsPackager } from '../../core/hls/packager.ts';
import { parsePlaylist } from '../../core/hls/parse-playlist.ts';
import type { Container } from '../../core/hls/segment-muxer.ts';
import { writeMediaPlaylist } from '../../core/hls/write-media-playlist.ts';
import { SegmentReader } from '../../core/hls-player/segment-reader.ts';
import type { MediaTag, TagSink } from '../../core/media.ts';
import { opusPacketSamples } from '../../core/opus/packet.ts';
import { evenIfCut, type FuzzTarget, fixtures, HEAD_BYTES, pushAll, refusing, unitLog } from './target.ts';

const MAX_BODY_BYTES = 100_000;

/** The whole tags of an FLV, as far as it is one. */
function tagsOf(bytes: Uint8Array): MediaTag[] {
  const tags: MediaTag[] = [];
  const sink: TagSink = {
    head(type, timestampMs, bodyBytes, from, start, end) {
      if (end - start === bodyBytes && (type === 8 || type === 9))
        tags.push({ type, timestampMs, body: from.slice(start, end) });
    },
    end() {},
  };
  refusing(() => new FlvReader(sink, { headBytes: MAX_BODY_BYTES }).push(bytes, 0, bytes.length));
  return tags;
}

/** Tags into segments and out again: whatever a publisher sends, what is written must be such as can be read. */
function packAndRead(container: Container, tags: readonly MediaTag[]): void {
  const packager = new HlsPackager({
    container,
    segmentMs: 200,
    partMs: 100,
    windowSegments: 50,
    deltaUpdates: true,
  });
  refusing(() => {
    for (const tag of tags) packager.push(tag, 1e12 + tag.timestampMs);
  });
  packager.end();
  const written = packager.playlist();
  if (written === null) return;
  const url = 'http://host/live/index.m3u8';
  const playlist = parsePlaylist(writeMediaPlaylist(written), { url });
  if (playlist.kind !== 'media') throw new Error('not a media playlist');
  let units = 0;
  const count: AccessUnitSink = {
    tracks() {},
    head() {
      units++;
    },
    end() {},
  };
  let reader = new SegmentReader(count, HEAD_BYTES);
  let map = '';
  const read = (name: string): void => {
    const resource = packager.resource(new URL(name).pathname.split('/').pop()!);
    if (resource === null) throw new Error(`the playlist names ${name}, which is not there`);
    reader.begin(0);
    reader.push(resource, 0, resource.length);
    reader.end();
  };
  for (const segment of playlist.segments) {
    if (segment.map !== null && segment.map.url !== map) {
      map = segment.map.url;
      reader = new SegmentReader(count, HEAD_BYTES);
      read(map);
    }
    const before = units;
    read(segment.url);
    // MP3 has no configuration to tell by whether a frame is one.
    if (units === before && !packager.tracks.some(({ codec }) => codec === 'mp3'))
      throw new Error(`${segment.url} is a segment without a picture or a sound`);
  }
}

const packagerTarget = (container: Container): FuzzTarget => ({
  words: ['hvc1', 'av01', 'avc1', 'Opus', 'mp4a', '.mp3', 'ac-3'],
  seeds: () => [
    ...fixtures('core/flv/fixtures', /\.flv$/)(),
    flvTag({ type: 8, timestampMs: 5, body: Uint8Array.of(0xaf, 0, 0x12, 0x10) }),
  ],
  run: (bytes) => packAndRead(container, tagsOf(bytes)),
});

/** Segments as a viewer of HLS reads them, and as the packager writes them. */
export const segmentTargets: Readonly<Record<string, FuzzTarget>> = {
  'hls-segment': {
    words: ['ID3', 'com.apple.streaming.transportStreamTimestamp\0', 'moof', 'mdat', 'ftyp'],
    seeds: () => [
      ...fixtures('core/mpegts/fixtures', /audio-only|h264-aac/)(),
      ...fixtures('core/mp4/fixtures', /audio-only|h264-aac/)(),
      Uint8Array.from([
        ...[0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, 63, 0x50, 0x52, 0x49, 0x56, 0, 0, 0, 53, 0, 0],
        ...Buffer.from('com.apple.streaming.transportStreamTimestamp\0'),
        ...[0, 0, 0, 0, 0, 1, 0x5f, 0x90],
        ...[0xff, 0xf1, 0x50, 0x80, 0x01, 0x7f, 0xfc, 1, 2, 3, 4],
      ]),
    ],
    run: (bytes) =>
      evenIfCut(bytes, (all, cuts) => {
        const lines: string[] = [];
        const reader = new SegmentReader(unitLog(lines), HEAD_BYTES);
        for (const round of ['first', 'again']) {
          reader.begin(0);
          lines.push(
            round,
            pushAll(all, cuts, (start, end) => reader.push(all, start, end)),
          );
          refusing(() => reader.end());
          reader.discontinuity();
        }
        return lines.join('\n');
      }),
  },
  'packager-ts': packagerTarget('ts'),
  'packager-fmp4': packagerTarget('fmp4'),
  'audio-config': {
    seeds: () => [
      Uint8Array.of(0x12, 0x10),
      Uint8Array.of(0x2b, 0x92, 0x08, 0),
      Uint8Array.of(0xfc, 0xff, 0xfe),
    ],
    run: (bytes) => {
      refusing(() => {
        const { sampleRate } = readAudioSpecificConfig(bytes);
        if (!(sampleRate > 0)) throw new Error(`a rate of ${sampleRate}`);
      });
      refusing(() => opusPacketSamples(bytes));
    },
  },
};
