import { describe, expect, it } from 'vitest';
import { parseMediaPlaylist } from '../hls/parse-media.ts';
import { Cursor, type Next } from './cursor.ts';
import { retryDelayMs } from './retry.ts';
import { startPosition, targetLatencyMs } from './start-position.ts';

const playlist = (text: string) => parseMediaPlaylist(`#EXTM3U\n${text}`, { url: 'http://h/live/a.m3u8' });
const segments = (first: number, count: number, seconds = 2, extra = '') =>
  `#EXT-X-TARGETDURATION:${seconds}\n#EXT-X-MEDIA-SEQUENCE:${first}\n${extra}${Array.from(
    { length: count },
    (_, i) => `#EXTINF:${seconds},\n${first + i}.ts\n`,
  ).join('')}`;
const PARTS = `#EXT-X-TARGETDURATION:2
#EXT-X-PART-INF:PART-TARGET=0.5
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-PART:DURATION=0.5,URI="7.0.ts",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.5,URI="7.1.ts"
#EXT-X-PART:DURATION=0.5,URI="7.2.ts",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.5,URI="7.3.ts"
#EXTINF:2,
7.ts
#EXT-X-PART:DURATION=0.5,URI="8.0.ts",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="8.1.ts"
`;
const named = (next: Next) => (typeof next === 'string' ? next : `${next.kind} ${next.url.slice(14)}`);

describe('where a player begins', () => {
  it.each([
    ['three target durations behind the end', segments(10, 6), { sequence: 13, part: 0, offsetMs: 0 }],
    [
      'HOLD-BACK behind the end, within a segment',
      segments(10, 6, 2, '#EXT-X-SERVER-CONTROL:HOLD-BACK=6.5\n'),
      { sequence: 12, part: 0, offsetMs: 1_500 },
    ],
    ['at the beginning of a short playlist', segments(0, 2), { sequence: 0, part: 0, offsetMs: 0 }],
    [
      'a segment before the end, however near it should be',
      segments(0, 5, 2, '#EXT-X-SERVER-CONTROL:HOLD-BACK=0.1\n'),
      { sequence: 4, part: 0, offsetMs: 0 },
    ],
    [
      'at the beginning of a recording',
      `${segments(0, 9)}#EXT-X-ENDLIST\n`,
      { sequence: 0, part: 0, offsetMs: 0 },
    ],
    [
      'where EXT-X-START says',
      segments(0, 9, 2, '#EXT-X-START:TIME-OFFSET=-5\n'),
      { sequence: 6, part: 0, offsetMs: 1_000 },
    ],
  ])('%s', (_name, text, position) => {
    expect(startPosition(playlist(text), true)).toEqual(position);
  });

  it('with parts: PART-HOLD-BACK behind the end, at a part with a key picture', () => {
    expect(startPosition(playlist(PARTS), true)).toEqual({ sequence: 7, part: 2, offsetMs: 0 });
    expect(startPosition(playlist(PARTS), false)).toEqual({ sequence: 7, part: 0, offsetMs: 0 });
    expect(targetLatencyMs(playlist(PARTS), true)).toBe(1_500);
    expect(targetLatencyMs(playlist(PARTS), false)).toBe(6_000);
  });

  it('nowhere in an empty playlist', () => {
    expect(startPosition(playlist('#EXT-X-TARGETDURATION:2\n'), true)).toBeNull();
  });

  it('passes over a gap', () => {
    const text = segments(0, 3).replace('#EXTINF:2,\n0.ts', '#EXT-X-GAP\n#EXTINF:2,\n0.ts');
    expect(startPosition(playlist(text), true)).toEqual({ sequence: 1, part: 0, offsetMs: 0 });
  });
});

describe('Cursor', () => {
  const walk = (text: string, sequence: number, part = 0, lowLatency = true): string[] => {
    const cursor = new Cursor();
    cursor.place({ sequence, part, offsetMs: 0 });
    const way: string[] = [];
    for (let i = 0; i < 20; i++) {
      const next = cursor.next(playlist(text), lowLatency);
      way.push(named(next));
      if (typeof next === 'string') break;
      cursor.passed(next);
    }
    return way;
  };

  it('goes from segment to segment and waits for more', () => {
    expect(walk(segments(4, 3), 5)).toEqual(['segment 5.ts', 'segment 6.ts', 'wait']);
    expect(walk(`${segments(4, 3)}#EXT-X-ENDLIST\n`, 6)).toEqual(['segment 6.ts', 'over']);
    expect(walk(segments(4, 3), 3)).toEqual(['behind']);
    expect(walk(segments(4, 3), 8)).toEqual(['wait']);
  });

  it('passes over gaps', () => {
    const text = segments(4, 3).replace('#EXTINF:2,\n5.ts', '#EXT-X-GAP\n#EXTINF:2,\n5.ts');
    expect(walk(text, 4)).toEqual(['segment 4.ts', 'segment 6.ts', 'wait']);
  });

  it('goes on with the parts of a segment that it began, then those of the next, then the hint', () => {
    expect(walk(PARTS, 7, 2)).toEqual(['part 7.2.ts', 'part 7.3.ts', 'part 8.0.ts', 'hint 8.1.ts', 'wait']);
    expect(walk(PARTS, 7, 0)).toEqual(['segment 7.ts', 'part 8.0.ts', 'hint 8.1.ts', 'wait']);
    expect(walk(PARTS, 7, 0, false)).toEqual(['segment 7.ts', 'wait']);
  });

  it('does not load a hinted part again, whichever segment it turns out to belong to', () => {
    const cursor = new Cursor();
    cursor.place({ sequence: 8, part: 1, offsetMs: 0 });
    const hint = cursor.next(playlist(PARTS), true);
    expect(named(hint)).toBe('hint 8.1.ts');
    if (typeof hint !== 'string') cursor.passed(hint);
    const closed = PARTS.replace(
      '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="8.1.ts"',
      '#EXTINF:0.5,\n8.ts\n#EXT-X-PART:DURATION=0.5,URI="8.1.ts",INDEPENDENT=YES\n#EXT-X-PART:DURATION=0.5,URI="9.1.ts"',
    );
    expect(named(cursor.next(playlist(closed), true))).toBe('part 9.1.ts');
  });
});

describe('retries of a segment', () => {
  it.each([
    ['after a second', 1, 404, 0, 1_000],
    ['after two the next time', 2, 503, 0, 2_000],
    ['after eight at most', 6, 500, 0, 8_000],
    ['not a seventh time', 7, 500, 0, null],
    ['not where it is gone', 1, 410, 0, null],
    ['not a second time where there are newer ones', 2, 404, 2, null],
    ['once even then', 1, 404, 5, 1_000],
  ])('%s', (_name, failures, status, newer, delay) => {
    expect(retryDelayMs(failures, status, newer)).toBe(delay);
  });
});
