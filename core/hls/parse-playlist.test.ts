import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hlsViolations } from '../../metrics/catalogue.ts';
import { errorCode } from '../../tests/kit/error-code.ts';
import { everyWayToCut, pushPieces } from '../../tests/kit/pieces.ts';
import { playlistChanges } from './changes.ts';
import type { MediaPlaylist } from './media-playlist.ts';
import { parseMultivariantPlaylist } from './parse-multivariant.ts';
import { parsePlaylist } from './parse-playlist.ts';
import { PlaylistText } from './playlist-text.ts';
import { nextReload } from './reload.ts';
import type { HlsViolation } from './violation.ts';

const url = 'https://host.example/all.m3u8';
const lines = (...all: string[]): string => ['#EXTM3U', ...all, ''].join('\n');
const parse = (text: string) => parseMultivariantPlaylist(text, { url });

describe('multivariant playlists', () => {
  it('9.6: variants with alternative audio', () => {
    const playlist = parse(
      lines(
        '#EXT-X-VERSION:4',
        '#EXT-X-INDEPENDENT-SEGMENTS',
        '#EXT-X-DEFINE:NAME="auth",VALUE="s=1"',
        '#EXT-X-CONTENT-STEERING:SERVER-URI="/steer",PATHWAY-ID="CDN-A"',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="English",DEFAULT=YES,AUTOSELECT=YES,LANGUAGE="en",CHANNELS="2",URI="main/english-audio.m3u8"',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="Commentary, live",DEFAULT=NO,LANGUAGE="en"',
        '#EXT-X-STREAM-INF:BANDWIDTH=1280000,AVERAGE-BANDWIDTH=1000000,CODECS="avc1.64001f, mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=29.97,AUDIO="aac",PATHWAY-ID="CDN-A"',
        'low/video-only.m3u8?{$auth}',
        '#EXT-X-STREAM-INF:BANDWIDTH=65000,CODECS="mp4a.40.5",AUDIO="aac",SCORE=1.5',
        'main/english-audio.m3u8',
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=86000,URI="low/iframe.m3u8"',
      ),
    );
    expect(playlist).toMatchObject({
      kind: 'multivariant',
      version: 4,
      independentSegments: true,
      steering: { url: 'https://host.example/steer', pathway: 'CDN-A' },
      iFrameVariants: [{ url: 'https://host.example/low/iframe.m3u8', bandwidth: 86_000 }],
      violations: [],
    });
    expect(playlist.variables.get('auth')).toBe('s=1');
    expect(playlist.variants).toEqual([
      {
        url: 'https://host.example/low/video-only.m3u8?s=1',
        bandwidth: 1_280_000,
        averageBandwidth: 1_000_000,
        codecs: ['avc1.64001f', 'mp4a.40.2'],
        width: 640,
        height: 360,
        frameRate: 29.97,
        audio: 'aac',
        video: null,
        subtitles: null,
        pathway: 'CDN-A',
        score: null,
      },
      expect.objectContaining({
        bandwidth: 65_000,
        codecs: ['mp4a.40.5'],
        width: null,
        pathway: '.',
        score: 1.5,
      }),
    ]);
    const rendition = { type: 'audio', groupId: 'aac', language: 'en' };
    expect(playlist.renditions).toEqual([
      {
        ...rendition,
        name: 'English',
        url: 'https://host.example/main/english-audio.m3u8',
        isDefault: true,
        autoselect: true,
        channels: '2',
      },
      {
        ...rendition,
        name: 'Commentary, live',
        url: null,
        isDefault: false,
        autoselect: false,
        channels: null,
      },
    ]);
  });

  it.each([
    ['no bandwidth', ['#EXT-X-STREAM-INF:CODECS="x"', 'a.m3u8'], 1],
    ['a URI of nothing', ['#EXT-X-STREAM-INF:BANDWIDTH=1', 'a.m3u8', 'b.m3u8'], 1],
    ['no URI', ['#EXT-X-STREAM-INF:BANDWIDTH=1', '#EXT-X-STREAM-INF:BANDWIDTH=1', 'b.m3u8'], 1],
    ['a size that is none', ['#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=big', 'a.m3u8'], 1],
    ['a rendition of no group', ['#EXT-X-MEDIA:TYPE=AUDIO,NAME="x"'], 0],
    [
      'itself among others',
      ['#EXT-X-STREAM-INF:BANDWIDTH=1', 'a.m3u8', '#EXT-X-STREAM-INF:BANDWIDTH=1', 'all.m3u8'],
      1,
    ],
  ])('with %s are read all the same', (_, body, variants) => {
    const playlist = parse(lines(...body));
    expect(playlist.violations.map(({ reason }) => reason)).toEqual(['malformed']);
    expect(playlist.variants).toHaveLength(variants);
  });

  it.each([
    ['that name only themselves', lines('#EXT-X-STREAM-INF:BANDWIDTH=1', 'all.m3u8'), 'HLS_SELF_REFERENCE'],
    [
      'of too many variants',
      lines('#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n'.repeat(600)),
      'HLS_TOO_MANY_VARIANTS',
    ],
    [
      'of too many renditions',
      lines('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="b"\n'.repeat(600)),
      'HLS_TOO_MANY_VARIANTS',
    ],
    ['that are media playlists', lines('#EXTINF:1,', 'a.ts'), 'HLS_NOT_MULTIVARIANT'],
  ])('%s are refused', (_, text, code) => {
    expect(errorCode(() => parse(text))).toBe(code);
  });
});

describe('parsePlaylist', () => {
  it('tells the two kinds apart', () => {
    expect(parsePlaylist(lines('#EXT-X-STREAM-INF:BANDWIDTH=1', 'a.m3u8'), { url }).kind).toBe(
      'multivariant',
    );
    expect(parsePlaylist(lines('#EXT-X-MEDIA-SEQUENCE:1', '#EXTINF:1,', 'a.ts'), { url }).kind).toBe('media');
    const mixed = lines('#EXT-X-STREAM-INF:BANDWIDTH=1', 'a.m3u8', '#EXTINF:1,', 'a.ts');
    expect(errorCode(() => parsePlaylist(mixed, { url }))).toBe('HLS_MIXED');
  });

  it('gives no error but ProtocolError, and reads on from whatever it has read', () => {
    const tags = [
      '#EXTINF:',
      '#EXT-X-TARGETDURATION:',
      '#EXT-X-MEDIA-SEQUENCE:',
      '#EXT-X-DISCONTINUITY',
      '#EXT-X-DISCONTINUITY-SEQUENCE:',
      '#EXT-X-BYTERANGE:',
      '#EXT-X-KEY:METHOD=AES-128,URI=',
      '#EXT-X-MAP:URI=',
      '#EXT-X-PART:DURATION=',
      '#EXT-X-SKIP:SKIPPED-SEGMENTS=',
      '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=',
      '#EXT-X-PROGRAM-DATE-TIME:',
      '#EXT-X-DEFINE:NAME=',
      '#EXT-X-PRELOAD-HINT:TYPE=PART,URI=',
      '#EXT-X-STREAM-INF:BANDWIDTH=',
      '#EXT-X-ENDLIST',
      '#EXT-X-PART-INF:PART-TARGET=',
      '#EXT-X-START:TIME-OFFSET=',
      '',
    ]; // prettier-ignore
    const value = fc.oneof(
      fc.constantFrom(
        '1',
        '2.5,',
        '"a.ts"',
        '10@0',
        'YES',
        '1,URI="p.mp4"',
        '"a",VALUE="{$a}"',
        '{$a}',
        'NONE',
        'a.ts',
        '99999999999999999999',
      ),
      fc.string({ maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 12 }),
    );
    const line = fc.tuple(fc.constantFrom(...tags), value).map(([tag, text]) => tag + text);
    let previous: MediaPlaylist | null = null;
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (body) => {
        const code = errorCode(() => {
          const playlist = parsePlaylist(lines(...body), { url, previous });
          if (playlist.kind === 'multivariant') return;
          const { violations } = playlistChanges(previous, playlist);
          for (const { reason } of [...violations, ...playlist.violations])
            expect(hlsViolations).toContain(reason);
          const reload = nextReload(playlist, {
            loadStartedMs: 0,
            loadEndedMs: 5,
            changed: false,
            url,
            lowLatency: true,
          });
          if (reload !== null) expect(reload.atMs).toBeGreaterThanOrEqual(100);
          previous = playlist;
        });
        seen.add(code);
      }),
      { numRuns: 5_000 },
    );
    expect(seen).toContain('no error');
    expect(seen.size).toBeGreaterThan(3);
  });

  it('names violations as the metric does', () => {
    const names: Record<HlsViolation, true> = {
      'sequence-regress': true,
      'segment-too-long': true,
      'endlist-on-live': true,
      'discontinuity-sequence': true,
      'segment-missing': true,
      'no-key-frame-at-start': true,
      'variants-adrift': true,
      malformed: true,
    };
    expect(Object.keys(names)).toEqual(hlsViolations);
  });
});

describe('PlaylistText', () => {
  const text = `\ufeff${lines('#EXTINF:1,Grüße', 'a.ts')}`;

  it('gives the same text, however it is cut', () => {
    const bytes = new TextEncoder().encode(text);
    for (const ends of everyWayToCut(bytes.length)) {
      const collected = new PlaylistText();
      pushPieces(bytes, ends, (piece, start, end) => collected.push(piece, start, end));
      expect(collected.end()).toBe(text);
    }
  });

  it.each([
    ['a web page', '<html>'],
    ['another list', '#EXTINF:1'],
    ['a transport stream', 'G@'],
  ])('refuses %s by its first bytes', (_, body) => {
    expect(errorCode(() => new PlaylistText().push(new TextEncoder().encode(body)))).toBe(
      'HLS_NOT_A_PLAYLIST',
    );
  });

  it('ends an answer without end, and holds no more than it has been given', () => {
    const collected = new PlaylistText(1_000_000);
    const before = process.memoryUsage().arrayBuffers;
    collected.push(new TextEncoder().encode('#EXTM3U\n'));
    const more = new Uint8Array(1_000).fill(0x0a);
    const code = errorCode(() => {
      for (;;) collected.push(more);
    });
    expect(code).toBe('HLS_PLAYLIST_TOO_LARGE');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8_000_000);
  });
});
