import { createDecipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UnitCollector } from '../../tests/kit/access-units.ts';
import { errorCode } from '../../tests/kit/error-code.ts';
import { TsDemuxer } from '../mpegts/demuxer.ts';
import { initializationVector, type MediaPlaylist } from './media-playlist.ts';
import { type MediaPlaylistOptions, parseMediaPlaylist } from './parse-media.ts';

const URL_OF_LIST = 'https://host.example/live/room/list.m3u8?token=1';
const lines = (...all: string[]): string => ['#EXTM3U', ...all, ''].join('\n');
const parse = (text: string, options: Partial<MediaPlaylistOptions> = {}): MediaPlaylist =>
  parseMediaPlaylist(text, { url: URL_OF_LIST, ...options });
const fixture = (name: string): Buffer => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));

const HEAD = ['#EXT-X-VERSION:3', '#EXT-X-TARGETDURATION:8'];

describe('the examples of RFC 8216bis, section 9', () => {
  it('9.1: a simple media playlist', () => {
    const playlist = parse(
      lines(
        '#EXT-X-TARGETDURATION:10',
        '#EXT-X-VERSION:3',
        '#EXTINF:9.009,',
        'http://media.example.com/first.ts',
        '#EXTINF:9.009,',
        'http://media.example.com/second.ts',
        '#EXTINF:3.003,',
        'http://media.example.com/third.ts',
        '#EXT-X-ENDLIST',
      ),
    );
    expect(playlist).toMatchObject({
      version: 3,
      targetDurationMs: 10_000,
      mediaSequence: 0,
      ended: true,
      type: null,
    });
    expect(playlist.segments.map(({ sequence, url, durationMs }) => [sequence, url, durationMs])).toEqual([
      [0, 'http://media.example.com/first.ts', 9009],
      [1, 'http://media.example.com/second.ts', 9009],
      [2, 'http://media.example.com/third.ts', 3003],
    ]);
    expect(playlist.violations).toEqual([]);
  });

  it('9.2: a live media playlist with HTTPS', () => {
    const playlist = parse(
      lines(
        '#EXT-X-VERSION:3',
        '#EXT-X-TARGETDURATION:8',
        '#EXT-X-MEDIA-SEQUENCE:2680',
        ...[0, 1, 2].flatMap((index) => [
          '#EXTINF:7.975,',
          `https://priv.example.com/fileSequence268${index}.ts`,
        ]),
      ),
    );
    expect(playlist.ended).toBe(false);
    expect(playlist.segments.map(({ sequence }) => sequence)).toEqual([2680, 2681, 2682]);
  });

  it('9.3: encrypted media segments', () => {
    const playlist = parse(
      lines(
        '#EXT-X-VERSION:3',
        '#EXT-X-MEDIA-SEQUENCE:7794',
        '#EXT-X-TARGETDURATION:15',
        '#EXT-X-KEY:METHOD=AES-128,URI="https://priv.example.com/key.php?r=52"',
        '#EXTINF:2.833,',
        'http://media.example.com/fileSequence52-A.ts',
        '#EXTINF:15.0,',
        'http://media.example.com/fileSequence52-B.ts',
        '#EXT-X-KEY:METHOD=AES-128,URI="https://priv.example.com/key.php?r=53",IV=0x0a0B',
        '#EXTINF:15.0,',
        'http://media.example.com/fileSequence53-A.ts',
        '#EXT-X-KEY:METHOD=NONE',
        '#EXTINF:15.0,',
        'http://media.example.com/clear.ts',
      ),
    );
    const keys = playlist.segments.map(
      ({ key }) => key && { ...key, iv: key.iv && Buffer.from(key.iv).toString('hex') },
    );
    const first = {
      method: 'AES-128',
      url: 'https://priv.example.com/key.php?r=52',
      iv: null,
      keyFormat: 'identity',
    };
    expect(keys).toEqual([
      first,
      first,
      { ...first, url: 'https://priv.example.com/key.php?r=53', iv: '00000000000000000000000000000a0b' },
      null,
    ]);
    const iv = initializationVector(playlist.segments[1]!.key!, playlist.segments[1]!.sequence);
    expect(Buffer.from(iv).toString('hex')).toBe((7795).toString(16).padStart(32, '0'));
    expect(initializationVector(playlist.segments[0]!.key!, 2 ** 33 + 5).subarray(8)).toEqual(
      Uint8Array.of(0, 0, 0, 2, 0, 0, 0, 5),
    );
  });

  it('4.4.3.8 and appendix B: a low-latency playlist', () => {
    const playlist = parse(LOW_LATENCY);
    expect(playlist).toMatchObject({
      targetDurationMs: 4000,
      partTargetMs: 1004,
      mediaSequence: 266,
      serverControl: {
        canBlockReload: true,
        canSkipUntilMs: 24_000,
        canSkipDateRanges: false,
        holdBackMs: null,
        partHoldBackMs: 3012,
      },
      partsDiscontinuity: 0,
      preloadHints: [
        { type: 'part', url: 'https://host.example/live/room/filePart272.d.mp4', offset: 0, length: null },
      ],
      renditionReports: [
        { url: 'https://host.example/live/1M/waitForMSN.php', lastSequence: 273, lastPart: 2 },
        { url: 'https://host.example/live/4M/waitForMSN.php', lastSequence: 273, lastPart: 1 },
      ],
      violations: [],
    });
    expect(playlist.segments.map(({ sequence, parts }) => [sequence, parts.length])).toEqual([
      [266, 0],
      [267, 2],
    ]);
    const map = { url: 'https://host.example/live/room/init.mp4', range: null, key: null };
    const part = { range: null, gap: false, key: null, map };
    expect(playlist.segments[1]!.parts).toEqual([
      {
        ...part,
        url: 'https://host.example/live/room/filePart271.0.mp4',
        durationMs: expect.closeTo(2000.02),
        independent: true,
      },
      {
        ...part,
        url: 'https://host.example/live/room/filePart271.1.mp4',
        durationMs: expect.closeTo(2000.04),
        independent: false,
      },
    ]);
    expect(playlist.parts.map(({ durationMs, gap }) => [Math.round(durationMs * 100) / 100, gap])).toEqual([
      [1000.04, false],
      [1000.02, true],
    ]);
  });
});

const LOW_LATENCY = lines(
  '#EXT-X-TARGETDURATION:4',
  '#EXT-X-VERSION:6',
  '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3.012,CAN-SKIP-UNTIL=24',
  '#EXT-X-PART-INF:PART-TARGET=1.004',
  '#EXT-X-MEDIA-SEQUENCE:266',
  '#EXT-X-MAP:URI="init.mp4"',
  '#EXT-X-PROGRAM-DATE-TIME:2019-02-14T02:13:36.106Z',
  '#EXTINF:4.00008,',
  'fileSequence266.mp4',
  '#EXT-X-PART:DURATION=2.00002,URI="filePart271.0.mp4",INDEPENDENT=YES',
  '#EXT-X-PART:DURATION=2.00004,URI="filePart271.1.mp4"',
  '#EXTINF:4.00006,',
  'fileSequence267.mp4',
  '#EXT-X-PART:DURATION=1.00004,URI="filePart272.a.mp4"',
  '#EXT-X-PART:DURATION=1.00002,URI="filePart272.b.mp4",GAP=YES',
  '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="filePart272.d.mp4"',
  '#EXT-X-RENDITION-REPORT:URI="../1M/waitForMSN.php",LAST-MSN=273,LAST-PART=2',
  '#EXT-X-RENDITION-REPORT:URI="../4M/waitForMSN.php",LAST-MSN=273,LAST-PART=1',
);

describe('parseMediaPlaylist, tag by tag', () => {
  it('reads byte ranges that follow each other', () => {
    const { segments, violations } = parse(
      lines(
        ...HEAD,
        '#EXTINF:1,',
        '#EXT-X-BYTERANGE:100@50',
        'a.ts',
        '#EXTINF:1,',
        '#EXT-X-BYTERANGE:30',
        'a.ts',
        '#EXTINF:1,',
        '#EXT-X-BYTERANGE:7',
        'b.ts',
        '#EXTINF:1,',
        'c.ts',
      ),
    );
    expect(segments.map(({ range }) => range)).toEqual([
      { offset: 50, length: 100 },
      { offset: 150, length: 30 },
      { offset: 0, length: 7 },
      null,
    ]);
    expect(violations).toEqual([
      { reason: 'malformed', line: 12, detail: expect.stringContaining('offset') },
    ]);
  });

  it('reads maps and parts with byte ranges', () => {
    const { segments } = parse(
      lines(
        ...HEAD,
        '#EXT-X-MAP:URI="all.mp4",BYTERANGE="700@0"',
        '#EXT-X-PART:DURATION=1,URI="all.mp4",BYTERANGE="10@700"',
        '#EXT-X-PART:DURATION=1,URI="all.mp4",BYTERANGE="20"',
        '#EXTINF:2,',
        '#EXT-X-BYTERANGE:30@700',
        'all.mp4',
      ),
    );
    expect(segments[0]!.map!.range).toEqual({ offset: 0, length: 700 });
    expect(segments[0]!.parts.map(({ range }) => range)).toEqual([
      { offset: 700, length: 10 },
      { offset: 710, length: 20 },
    ]);
  });

  it('counts discontinuities, and carries dates on up to them', () => {
    const { segments, violations } = parse(
      lines(
        ...HEAD,
        '#EXT-X-MEDIA-SEQUENCE:7',
        '#EXT-X-DISCONTINUITY-SEQUENCE:40',
        '#EXT-X-PROGRAM-DATE-TIME:2026-11-23T20:00:00.500+0100',
        '#EXTINF:2,',
        'a.ts',
        '#EXTINF:2,',
        'b.ts',
        '#EXT-X-DISCONTINUITY',
        '#EXT-X-GAP',
        '#EXTINF:2,',
        'c.ts',
      ),
    );
    const startMs = Date.UTC(2026, 10, 23, 19, 0, 0, 500);
    expect(segments).toMatchObject([
      {
        discontinuity: 40,
        startsDiscontinuity: false,
        programDateTimeMs: startMs,
        hasProgramDateTime: true,
        gap: false,
      },
      { discontinuity: 40, programDateTimeMs: startMs + 2000, hasProgramDateTime: false },
      { discontinuity: 41, startsDiscontinuity: true, programDateTimeMs: null, gap: true },
    ]);
    expect(violations).toEqual([]);
  });

  it.each([
    ['2026-11-23T20:00:00Z', 0, 0],
    ['2026-11-23T20:00:00.250+02:00', -7_199_750, 0],
    ['2026-11-23T20:00:00-0330', 12_600_000, 0],
    ['2026-11-23T20:00:00', 0, 1],
    ['yesterday', null, 1],
  ])('reads the date %s', (date, offsetMs, violations) => {
    const playlist = parse(lines(...HEAD, `#EXT-X-PROGRAM-DATE-TIME:${date}`, '#EXTINF:1,', 'a.ts'));
    const expected = offsetMs === null ? null : Date.UTC(2026, 10, 23, 20) + offsetMs;
    expect(playlist.segments[0]!.programDateTimeMs).toBe(expected);
    expect(playlist.violations).toHaveLength(violations);
  });

  it('takes the key that needs no key system', () => {
    const keys = [
      '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://x",KEYFORMAT="com.apple.streamingkeydelivery",KEYFORMATVERSIONS="1"',
      '#EXT-X-KEY:METHOD=AES-128,URI="k"',
    ];
    for (const order of [keys, keys.toReversed()]) {
      expect(parse(lines(...HEAD, ...order, '#EXTINF:1,', 'a.ts')).segments[0]!.key?.method).toBe('AES-128');
    }
  });

  it('replaces variables', () => {
    const { segments } = parse(
      lines(
        ...HEAD,
        '#EXT-X-DEFINE:NAME="dir",VALUE="media"',
        '#EXT-X-DEFINE:NAME="deep",VALUE="{$dir}/deep"',
        '#EXT-X-DEFINE:IMPORT="auth"',
        '#EXT-X-DEFINE:QUERYPARAM="token"',
        '#EXT-X-MAP:URI="{$deep}/init.mp4"',
        '#EXTINF:1,',
        '{$deep}/a.mp4?{$auth}&t={$token}',
      ),
      { variables: new Map([['auth', 'a=b']]) },
    );
    expect(segments[0]!.url).toBe('https://host.example/live/room/media/deep/a.mp4?a=b&t=1');
    expect(segments[0]!.map!.url).toBe('https://host.example/live/room/media/deep/init.mp4');
  });

  it('resolves URLs by the function that is passed in', () => {
    const resolve = (reference: string, base: string) => `${base}|${reference}`;
    expect(parse(lines(...HEAD, '#EXTINF:1,', 'a.ts'), { resolve }).segments[0]!.url).toBe(
      `${URL_OF_LIST}|a.ts`,
    );
  });

  it('reads types, starts and what it does not know', () => {
    expect(
      parse(
        lines(
          ...HEAD,
          '# a comment',
          '#EXT-X-PLAYLIST-TYPE:EVENT',
          '#EXT-X-START:TIME-OFFSET=-12.5,PRECISE=YES',
          '#EXT-X-INDEPENDENT-SEGMENTS',
          '#EXT-X-I-FRAMES-ONLY',
          '#EXT-X-OF-TOMORROW:X=1',
          '  #EXTINF:1,a title, with a comma  \r',
          '  a.ts\r',
        ),
      ),
    ).toMatchObject({
      type: 'event',
      start: { offsetMs: -12_500, precise: true },
      independentSegments: true,
      iFramesOnly: true,
      segments: [{ url: 'https://host.example/live/room/a.ts', durationMs: 1000 }],
      violations: [],
    });
  });
});

describe('what players put up with', () => {
  const table: [string, string[], object][] = [
    ['no target duration', ['#EXTINF:2.5,', 'a.ts'], { targetDurationMs: 3000 }],
    [
      'a target duration of nothing',
      ['#EXT-X-TARGETDURATION:0', '#EXTINF:2.5,', 'a.ts'],
      { targetDurationMs: 3000 },
    ],
    [
      'a target duration with a fraction',
      ['#EXT-X-TARGETDURATION:2.5', '#EXTINF:2,', 'a.ts'],
      { targetDurationMs: 2500 },
    ],
    [
      'a target duration of more than a day',
      ['#EXT-X-TARGETDURATION:86401', '#EXTINF:2.5,', 'a.ts'],
      { targetDurationMs: 3000 },
    ],
    ['a segment of more than a day', [...HEAD, '#EXTINF:86401,', 'a.ts'], { segments: [] }],
    ['no comma after the duration', [...HEAD, '#EXTINF:2', 'a.ts'], { segments: [{ durationMs: 2000 }] }],
    [
      'a URI without a duration',
      [...HEAD, 'a.ts', '#EXTINF:2,', 'b.ts'],
      { segments: [{ sequence: 0, durationMs: 2000 }] },
    ],
    ['a duration below zero', [...HEAD, '#EXTINF:-1,', 'a.ts'], { segments: [] }],
    ['a duration without a URI', [...HEAD, '#EXTINF:1,'], { segments: [] }],
    ['a sequence number that is none', [...HEAD, '#EXT-X-MEDIA-SEQUENCE:-5'], { mediaSequence: 0 }],
    [
      'a sequence number beyond all',
      [...HEAD, '#EXT-X-MEDIA-SEQUENCE:18446744073709551615'],
      { mediaSequence: 0 },
    ],
    [
      'a sequence number too late',
      [...HEAD, '#EXTINF:1,', 'a.ts', '#EXT-X-MEDIA-SEQUENCE:5'],
      { mediaSequence: 0 },
    ],
    [
      'a key without a method',
      [...HEAD, '#EXT-X-KEY:URI="x"', '#EXTINF:1,', 'a.ts'],
      { segments: [{ key: null }] },
    ],
    [
      'a byte range that is none',
      [...HEAD, '#EXTINF:1,', '#EXT-X-BYTERANGE:x@y', 'a.ts'],
      { segments: [{ range: null }] },
    ],
    ['an attribute without a value', [...HEAD, '#EXT-X-PART-INF:PART-TARGET'], { partTargetMs: null }],
    [
      'a quote that is not closed',
      [...HEAD, '#EXT-X-MAP:URI="init.mp4', '#EXTINF:1,', 'a.ts'],
      { segments: [{ gap: false }] },
    ],
    ['a part without a duration', [...HEAD, '#EXT-X-PART:URI="p.mp4"'], { parts: [] }],
    ['another type', [...HEAD, '#EXT-X-PLAYLIST-TYPE:LIVE'], { type: null }],
  ];
  it.each(table)('%s is told as malformed', (_, body, expected) => {
    const playlist = parse(lines(...body));
    expect(playlist).toMatchObject(expected);
    expect(new Set(playlist.violations.map(({ reason }) => reason))).toEqual(new Set(['malformed']));
  });

  it('tells a discontinuity sequence that comes too late', () => {
    const playlist = parse(
      lines(...HEAD, '#EXT-X-DISCONTINUITY', '#EXT-X-DISCONTINUITY-SEQUENCE:9', '#EXTINF:1,', 'a.ts'),
    );
    expect(playlist.violations).toMatchObject([{ reason: 'discontinuity-sequence', line: 5 }]);
    expect(playlist.segments[0]!.discontinuity).toBe(1);
  });

  it('a byte order mark', () => {
    expect(parse(`\ufeff${lines(...HEAD)}`).violations).toMatchObject([{ reason: 'malformed', line: 1 }]);
  });
});

describe('delta updates', () => {
  const whole = parse(
    lines(
      ...HEAD,
      '#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=48',
      '#EXT-X-MEDIA-SEQUENCE:10',
      '#EXT-X-DISCONTINUITY-SEQUENCE:3',
      '#EXT-X-MAP:URI="init.mp4"',
      '#EXT-X-KEY:METHOD=AES-128,URI="k"',
      '#EXT-X-PROGRAM-DATE-TIME:2026-11-23T20:00:00Z',
      ...[10, 11].flatMap((index) => ['#EXTINF:4,', `${index}.mp4`]),
      '#EXT-X-DISCONTINUITY',
      '#EXT-X-PROGRAM-DATE-TIME:2026-11-23T21:00:00Z',
      ...[12, 13].flatMap((index) => ['#EXT-X-PART:DURATION=4,URI="p.mp4"', '#EXTINF:4,', `${index}.mp4`]),
    ),
  );
  const delta = (skipped: number, mediaSequence: number): string =>
    lines(
      ...HEAD,
      `#EXT-X-MEDIA-SEQUENCE:${mediaSequence}`,
      '#EXT-X-DISCONTINUITY-SEQUENCE:3',
      `#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}`,
      '#EXTINF:4,',
      `${mediaSequence + skipped}.mp4`,
    );

  it('are merged onto what is known, with key, map, date and discontinuity', () => {
    const merged = parse(delta(3, 11), { previous: whole });
    expect(merged.skippedSegments).toBe(3);
    expect(merged.segments.map(({ sequence, url }) => [sequence, url.split('/').at(-1)])).toEqual([
      [11, '11.mp4'],
      [12, '12.mp4'],
      [13, '13.mp4'],
      [14, '14.mp4'],
    ]);
    expect(merged.segments[0]).toBe(whole.segments[1]);
    expect(merged.segments[1]).toEqual({ ...whole.segments[2], parts: [] });
    expect(merged.segments[3]).toMatchObject({
      discontinuity: 4,
      startsDiscontinuity: false,
      map: whole.segments[0]!.map,
      key: whole.segments[0]!.key,
      programDateTimeMs: Date.UTC(2026, 10, 23, 21, 0, 8),
    });
    expect(merged.violations).toEqual([]);
  });

  it.each([
    ['without a previous playlist', null, delta(3, 11)],
    ['beyond the previous playlist', whole, delta(3, 12)],
    ['before the previous playlist', whole, delta(2, 9)],
  ])('are refused %s', (_, previous, text) => {
    expect(errorCode(() => parse(text, { previous }))).toBe('HLS_DELTA_GAP');
  });
});

describe('hostile playlists', () => {
  const refused: [string, string, string][] = [
    ['no playlist', '<html></html>', 'HLS_NOT_A_PLAYLIST'],
    ['nothing', '', 'HLS_NOT_A_PLAYLIST'],
    ['another word', '#EXTM3U8\n', 'HLS_NOT_A_PLAYLIST'],
    ['a multivariant playlist', lines('#EXT-X-STREAM-INF:BANDWIDTH=1', 'a.m3u8'), 'HLS_NOT_MEDIA'],
    [
      '10^9 skipped segments',
      lines(...HEAD, '#EXT-X-SKIP:SKIPPED-SEGMENTS=1000000000'),
      'HLS_TOO_MANY_SEGMENTS',
    ],
    ['a line of megabytes', lines(...HEAD, '#EXTINF:1,', 'a'.repeat(5_000_000)), 'HLS_LINE_TOO_LONG'],
    ['a comment of megabytes', lines(...HEAD, `#${'a'.repeat(5_000_000)}`), 'HLS_LINE_TOO_LONG'],
    ['lines without end', lines(...HEAD, '\n'.repeat(300_000)), 'HLS_TOO_MANY_LINES'],
    ['segments without end', lines(...HEAD, '#EXTINF:1,\na\n'.repeat(60_000)), 'HLS_TOO_MANY_SEGMENTS'],
    ['a text that is too large', lines(...HEAD, ' '.repeat(9_000_000)), 'HLS_PLAYLIST_TOO_LARGE'],
    ['itself as a segment', lines(...HEAD, '#EXTINF:1,', 'list.m3u8?token=1'), 'HLS_SELF_REFERENCE'],
    ['itself as init segment', lines(...HEAD, '#EXT-X-MAP:URI="?token=1"'), 'HLS_SELF_REFERENCE'],
    ['itself as a part', lines(...HEAD, '#EXT-X-PART:DURATION=1,URI="?token=1"'), 'HLS_SELF_REFERENCE'],
    ['what is no URI', lines(...HEAD, '#EXTINF:1,', 'http://'), 'HLS_URL'],
    ['an unknown variable', lines(...HEAD, '#EXTINF:1,', '{$nothing}.ts'), 'HLS_VARIABLE_UNDEFINED'],
    ['an import of nothing', lines(...HEAD, '#EXT-X-DEFINE:IMPORT="x"'), 'HLS_VARIABLE_UNDEFINED'],
    [
      'a variable twice',
      lines(...HEAD, ...new Array(2).fill('#EXT-X-DEFINE:NAME="a",VALUE="b"')),
      'HLS_VARIABLE_DEFINED',
    ],
    [
      'variables without end',
      lines(
        ...HEAD,
        ...Array.from({ length: 600 }, (_, index) => `#EXT-X-DEFINE:NAME="a${index}",VALUE="b"`),
      ),
      'HLS_TOO_MANY_VARIABLES',
    ],
    [
      'variables that grow by powers',
      lines(
        ...HEAD,
        '#EXT-X-DEFINE:NAME="v0",VALUE="0123456789"',
        ...Array.from({ length: 20 }, (_, index) => {
          return `#EXT-X-DEFINE:NAME="v${index + 1}",VALUE="${`{$v${index}}`.repeat(10)}"`;
        }),
      ),
      'HLS_LINE_TOO_LONG',
    ],
  ];
  it.each(refused)('are refused: %s', (_, text, code) => {
    const startMs = performance.now();
    expect(errorCode(() => parse(text))).toBe(code);
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });

  it('tell no more than fifty violations', () => {
    expect(parse(lines(...HEAD, ...new Array(10_000).fill('a.ts'))).violations).toHaveLength(50);
  });

  it('have limits of the caller’s', () => {
    const text = lines(...HEAD, '#EXTINF:1,', 'a.ts', '#EXTINF:1,', 'b.ts');
    expect(errorCode(() => parse(text, { limits: { maxSegments: 1 } }))).toBe('HLS_TOO_MANY_SEGMENTS');
    expect(errorCode(() => parse(text, { limits: { maxLines: 4 } }))).toBe('HLS_TOO_MANY_LINES');
  });
});

describe('what ffmpeg wrote', () => {
  it('a live playlist with dates', () => {
    const { segments, ended, violations, mediaSequence } = parse(fixture('live.m3u8').toString());
    expect([mediaSequence, ended, violations]).toEqual([5, false, []]);
    expect(segments.map(({ url }) => url.split('/').at(-1))).toEqual([
      'live-5.mpegts',
      'live-6.mpegts',
      'live-7.mpegts',
    ]);
    expect(
      segments.map(({ programDateTimeMs }) => programDateTimeMs! - segments[0]!.programDateTimeMs!),
    ).toEqual([0, 1000, 2000]);
  });

  /** All units of a playlist's segments, fetched, deciphered and demuxed. */
  function play(name: string): UnitCollector {
    const playlist = parse(fixture(name).toString(), { url: `https://h/${name}` });
    const load = (url: string) => fixture(url.split('/').at(-1)!);
    const sink = new UnitCollector();
    const broken: string[] = [];
    const demuxer = new TsDemuxer(sink, {
      violation: (reason) => broken.push(reason),
      maxTableGapMs: Number.POSITIVE_INFINITY,
    });
    for (const { url, range, key, sequence } of playlist.segments) {
      let bytes = load(url);
      if (range) bytes = bytes.subarray(range.offset, range.offset + range.length);
      if (key) {
        const decipher = createDecipheriv('aes-128-cbc', load(key.url!), initializationVector(key, sequence));
        bytes = Buffer.concat([decipher.update(bytes), decipher.final()]);
      }
      demuxer.push(bytes);
      demuxer.flush();
    }
    expect(broken).toEqual([]);
    return sink;
  }

  it('byte ranges and AES-128 lead to the same pictures', () => {
    const ranges = play('byte-ranges.m3u8').units;
    const ciphered = play('aes-128.m3u8').units;
    expect(ranges.map(({ key }) => key)).toEqual(Array.from({ length: 20 }, (_, index) => index % 10 === 0));
    expect(ciphered.map(({ head }) => head)).toEqual(ranges.map(({ head }) => head));
  });
});
