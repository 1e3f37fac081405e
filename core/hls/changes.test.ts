import { describe, expect, it } from 'vitest';
import { endSequence, playlistChanges } from './changes.ts';
import type { MediaPlaylist } from './media-playlist.ts';
import { parseMediaPlaylist } from './parse-media.ts';
import { MIN_RELOAD_MS, nextReload, withDirectives } from './reload.ts';

const url = 'https://host.example/list.m3u8';
const media = (...body: string[]): MediaPlaylist =>
  parseMediaPlaylist(['#EXTM3U', '#EXT-X-TARGETDURATION:4', ...body].join('\n'), { url });
/** Segments `first` to `last`, of 4 s each. */
const live = (first: number, last: number, ...more: string[]): MediaPlaylist =>
  media(
    `#EXT-X-MEDIA-SEQUENCE:${first}`,
    ...Array.from({ length: last - first + 1 }, (_, index) => `#EXTINF:4,\n${first + index}.ts?t=${last}`),
    ...more,
  );
const part = (name: string): string => `#EXT-X-PART:DURATION=1,URI="${name}"`;
const reasons = (previous: MediaPlaylist | null, next: MediaPlaylist): string[] =>
  playlistChanges(previous, next).violations.map(({ reason }) => reason);

describe('playlistChanges', () => {
  it('gives everything of a first playlist', () => {
    const changes = playlistChanges(null, live(5, 7, part('p')));
    expect(changes.segments.map(({ sequence }) => sequence)).toEqual([5, 6, 7]);
    expect(changes.parts).toMatchObject([{ sequence: 8, index: 0, part: { url: 'https://host.example/p' } }]);
    expect(changes).toMatchObject({ changed: true, missedSegments: 0, violations: [] });
    expect(endSequence(live(5, 7))).toBe(8);
  });

  it('gives what is new', () => {
    const changes = playlistChanges(live(5, 7), live(6, 9));
    expect(changes.segments.map(({ sequence }) => sequence)).toEqual([8, 9]);
    expect(changes).toMatchObject({ changed: true, missedSegments: 0, violations: [] });
    expect(playlistChanges(live(5, 7), live(5, 7))).toMatchObject({
      changed: false,
      segments: [],
      parts: [],
    });
  });

  it('counts segments that were never seen', () => {
    expect(playlistChanges(live(5, 7), live(11, 13))).toMatchObject({ missedSegments: 3, changed: true });
  });

  it('gives parts once, also when their segment is whole', () => {
    const first = live(5, 7, part('a'), part('b'));
    const second = live(5, 7, part('a'), part('b'), part('c'));
    const third = live(5, 7, part('a'), part('b'), part('c'), part('d'), '#EXTINF:4,', '8.ts', part('e'));
    const names = (previous: MediaPlaylist, next: MediaPlaylist) =>
      playlistChanges(previous, next).parts.map(({ sequence, index, part: { url: of } }) => [
        sequence,
        index,
        of.at(-1),
      ]);
    expect(names(first, second)).toEqual([[8, 2, 'c']]);
    expect(playlistChanges(first, second)).toMatchObject({ changed: true, segments: [] });
    expect(names(second, third)).toEqual([
      [8, 3, 'd'],
      [9, 0, 'e'],
    ]);
  });

  it('finds what servers must not do between two playlists', () => {
    expect(reasons(live(5, 7), live(4, 7))).toEqual(['sequence-regress']);
    expect(reasons(live(5, 7), live(5, 6))).toEqual(['sequence-regress']);
    expect(reasons(live(5, 7), live(5, 8, '#EXT-X-ENDLIST'))).toEqual(['endlist-on-live']);
    expect(reasons(live(5, 7, '#EXT-X-ENDLIST'), live(5, 8))).toEqual(['endlist-on-live']);
    expect(reasons(live(5, 7, '#EXT-X-ENDLIST'), live(5, 7, '#EXT-X-ENDLIST'))).toEqual([]);
    expect(
      reasons(live(5, 7), media('#EXT-X-MEDIA-SEQUENCE:6', '#EXTINF:4,', 'x.ts', '#EXTINF:4,', '7.ts')),
    ).toEqual(['sequence-regress']);
    expect(reasons(live(5, 7), live(6, 8, '#EXT-X-TARGETDURATION:5'))).toEqual(['malformed']);
    const forgotten = live(5, 7, '#EXT-X-DISCONTINUITY', '#EXTINF:4,', '8.ts');
    expect(reasons(forgotten, live(8, 9))).toEqual(['discontinuity-sequence']);
    expect(reasons(forgotten, live(8, 9, '#EXT-X-DISCONTINUITY'))).toEqual(['discontinuity-sequence']);
    const counted = media('#EXT-X-MEDIA-SEQUENCE:8', '#EXT-X-DISCONTINUITY-SEQUENCE:1', '#EXTINF:4,', '8.ts');
    expect(reasons(forgotten, counted)).toEqual([]);
  });

  it('tells of each segment once what is wrong with it', () => {
    const odd = ['#EXTINF:4.5,', 'long.ts', '#EXTINF:4.4,', 'fine.ts', '#EXT-X-GAP', '#EXTINF:4,', 'gone.ts'];
    const next = live(5, 7, ...odd);
    expect(reasons(live(5, 7), next)).toEqual(['segment-too-long', 'segment-missing']);
    expect(reasons(next, live(5, 7, ...odd))).toEqual([]);
  });
});

describe('nextReload', () => {
  const last = {
    loadStartedMs: 1_000,
    loadEndedMs: 1_200,
    changed: true,
    url: `${url}?a=1`,
    lowLatency: true,
  };
  const control = '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=24,PART-HOLD-BACK=3';
  const parts = '#EXT-X-PART-INF:PART-TARGET=1';

  it('comes a target duration after the last load began, or half of one if nothing was new', () => {
    expect(nextReload(live(5, 7), last)).toEqual({ atMs: 5_000, url: `${url}?a=1` });
    expect(nextReload(live(5, 7), { ...last, changed: false })).toEqual({ atMs: 3_000, url: `${url}?a=1` });
    expect(nextReload(live(5, 7), { ...last, loadEndedMs: 9_000 })?.atMs).toBe(9_000);
  });

  it('comes never after the end', () => {
    expect(nextReload(live(5, 7, '#EXT-X-ENDLIST'), last)).toBeNull();
  });

  it('comes at once where the server blocks, and asks for the next part', () => {
    const open = live(5, 7, control, parts, part('a'), part('b'));
    expect(nextReload(open, last)).toEqual({
      atMs: 1_200,
      url: `${url}?a=1&_HLS_msn=8&_HLS_part=2&_HLS_skip=YES`,
    });
    const whole = live(5, 7, control.replace('YES', 'YES,CAN-SKIP-DATERANGES=YES'), parts);
    expect(nextReload(whole, last)?.url).toBe(`${url}?a=1&_HLS_msn=8&_HLS_part=0&_HLS_skip=v2`);
    expect(nextReload(live(5, 7, control), last)).toEqual({
      atMs: 1_200,
      url: `${url}?a=1&_HLS_msn=8&_HLS_skip=YES`,
    });
  });

  it('does not run in circles with a server that says that it blocks and does not', () => {
    const open = live(5, 7, control, parts, part('a'));
    expect(nextReload(open, { ...last, changed: false, loadEndedMs: 1_001 })?.atMs).toBe(1_500);
    const tiny = live(5, 7, control, '#EXT-X-PART-INF:PART-TARGET=0', part('a'));
    expect(nextReload(tiny, { ...last, changed: false, loadEndedMs: 1_001 })?.atMs).toBe(
      1_000 + MIN_RELOAD_MS,
    );
  });

  it('asks for no delta update of a playlist that is too old', () => {
    const old = { ...last, loadEndedMs: 14_000 };
    expect(nextReload(live(5, 7, control), old)?.url).toBe(`${url}?a=1&_HLS_msn=8`);
  });

  it('leaves all that alone for a player that does not know it', () => {
    const open = live(5, 7, control, parts, part('a'));
    expect(nextReload(open, { ...last, lowLatency: false })).toEqual({ atMs: 5_000, url: `${url}?a=1` });
  });

  it('comes at the pace of parts where the server does not block', () => {
    expect(nextReload(live(5, 7, parts, part('a')), last)).toEqual({ atMs: 2_000, url: `${url}?a=1` });
  });

  it('adds directives where they belong', () => {
    expect(withDirectives('http://h/a#x', { _HLS_msn: 1 })).toBe('http://h/a?_HLS_msn=1');
    expect(withDirectives('http://h/a', {})).toBe('http://h/a');
  });
});
