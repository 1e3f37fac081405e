import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MediaPlaylist } from './media-playlist.ts';
import { parseMediaPlaylist } from './parse-media.ts';
import { parseMultivariantPlaylist } from './parse-multivariant.ts';
import { skippable, writeMediaPlaylist } from './write-media-playlist.ts';
import { writeMultivariantPlaylist } from './write-multivariant-playlist.ts';

const url = 'http://origin/live/index.m3u8';
const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8');

const LOW_LATENCY = `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:4
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=24.000,HOLD-BACK=12.000,PART-HOLD-BACK=1.002
#EXT-X-PART-INF:PART-TARGET=0.33334
#EXT-X-MEDIA-SEQUENCE:266
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-START:TIME-OFFSET=-6.000,PRECISE=YES
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T12:00:00.250Z
#EXT-X-MAP:URI="http://origin/live/init-0.mp4",BYTERANGE="800@0"
#EXT-X-KEY:METHOD=AES-128,URI="http://origin/live/k1",IV=0x000102030405060708090a0b0c0d0e0f
#EXTINF:4.00008,
http://origin/live/seg-266.m4s
#EXT-X-KEY:METHOD=NONE
#EXTINF:4.000,
#EXT-X-BYTERANGE:1000@0
http://origin/live/seg-267.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="http://origin/live/init-1.mp4"
#EXT-X-PART:DURATION=0.33334,URI="http://origin/live/seg-268.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.33334,URI="http://origin/live/seg-268.m4s",BYTERANGE="20@10",GAP=YES
#EXTINF:3.960,
#EXT-X-GAP
http://origin/live/seg-268.m4s
#EXT-X-DISCONTINUITY
#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://key",KEYFORMAT="com.apple.streamingkeydelivery"
#EXT-X-PART:DURATION=0.200,URI="http://origin/live/seg-269.0.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="http://origin/live/seg-269.1.m4s",BYTERANGE-START=20,BYTERANGE-LENGTH=7
#EXT-X-RENDITION-REPORT:URI="http://origin/live/low.m3u8",LAST-MSN=269,LAST-PART=0
`;

function withoutText({ violations, ...playlist }: MediaPlaylist): object {
  expect(violations).toEqual([]);
  return playlist;
}

describe('writeMediaPlaylist', () => {
  it('writes what it was read from, letter by letter', () => {
    expect(writeMediaPlaylist(parseMediaPlaylist(LOW_LATENCY, { url }))).toBe(LOW_LATENCY);
  });

  it.each(['aes-128.m3u8', 'byte-ranges.m3u8', 'live.m3u8'])(
    'writes %s of ffmpeg so that it means the same',
    (name) => {
      const playlist = parseMediaPlaylist(fixture(name), { url });
      const again = parseMediaPlaylist(writeMediaPlaylist(playlist), { url });
      expect(withoutText({ ...again, version: playlist.version })).toEqual(withoutText(playlist));
    },
  );

  it('ends what has ended, and says the lowest version that has all that is used', () => {
    const segments = '#EXTINF:1.000,\na.ts\n';
    const head = '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n';
    const version = (text: string) =>
      /EXT-X-VERSION:(\d+)/.exec(writeMediaPlaylist(parseMediaPlaylist(head + text, { url })))?.[1];
    expect(version(segments)).toBe('3');
    expect(version(`#EXT-X-BYTERANGE:1@0\n${segments}`)).toBe('4');
    expect(version(`#EXT-X-MAP:URI="i"\n${segments}`)).toBe('6');
    const ended = parseMediaPlaylist(`${head}#EXT-X-PLAYLIST-TYPE:EVENT\n${segments}#EXT-X-ENDLIST\n`, {
      url,
    });
    expect(writeMediaPlaylist(ended)).toMatch(/PLAYLIST-TYPE:EVENT\n(.*\n)*#EXT-X-ENDLIST\n$/);
  });

  it('leaves out of a delta update what is further from the end than it may skip, and nothing that the rest needs', () => {
    const key = '#EXT-X-KEY:METHOD=AES-128,URI="http://origin/live/k"\n';
    const text =
      '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=6\n#EXT-X-MEDIA-SEQUENCE:5\n' +
      Array.from({ length: 12 }, (_, i) => `${i === 2 ? key : ''}#EXTINF:1.000,\ns${i}.ts\n`).join('');
    const playlist = parseMediaPlaylist(text, { url });
    expect(skippable(playlist)).toBe(6);
    const delta = writeMediaPlaylist(playlist, 6);
    expect(delta).toMatch(/EXT-X-VERSION:9\n/);
    expect(delta).toMatch(/EXT-X-SKIP:SKIPPED-SEGMENTS=6\n#EXTINF:1.000,\n.*s6\.ts\n/);
    const whole = parseMediaPlaylist(delta, { url, previous: playlist });
    expect(whole.violations).toEqual([]);
    expect(whole.segments).toEqual(playlist.segments);
    expect(skippable({ ...playlist, segments: playlist.segments.slice(0, 5) })).toBe(0);
  });
});

describe('writeMultivariantPlaylist', () => {
  it('writes variants and renditions so that they are read again', () => {
    const text = `#EXTM3U
#EXT-X-VERSION:4
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="http://origin/live/a.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=800000,AVERAGE-BANDWIDTH=600000,CODECS="avc1.42c00d,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=25.000,AUDIO="a"
http://origin/live/low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=64000
http://origin/live/sound.m3u8
`;
    const playlist = parseMultivariantPlaylist(text, { url });
    expect(playlist.violations).toEqual([]);
    expect(writeMultivariantPlaylist(playlist)).toBe(text);
  });
});
