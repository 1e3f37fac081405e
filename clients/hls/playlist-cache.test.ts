import { describe, expect, it } from 'vitest';
import type { MediaPlaylist } from '../../core/hls/media-playlist.ts';
import { PlaylistCache, PlaylistIntake } from './playlist-cache.ts';

const URL_ = 'http://h/live/a.m3u8';
const text = (first: number, count: number, skipped = 0) =>
  `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n${skipped ? `#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}\n` : ''}${Array.from(
    { length: count - skipped },
    (_, i) => `#EXTINF:2,\n${first + skipped + i}.ts\n`,
  ).join('')}`;

/** Reads a text in pieces of so many bytes. */
function read(cache: PlaylistCache, playlist: string, previous: MediaPlaylist | null = null, piece = 1_000) {
  const intake = new PlaylistIntake(cache);
  intake.begin(URL_);
  const bytes = Buffer.from(playlist);
  for (let at = 0; at < bytes.length; at += piece) intake.push(bytes, at, Math.min(bytes.length, at + piece));
  return intake.end(previous) as MediaPlaylist;
}
const numbers = ({ segments }: MediaPlaylist) => segments.map(({ sequence }) => sequence);

describe('playlists that several viewers load', () => {
  it('are read once as long as their bytes are the same, in whatever pieces they come', () => {
    const cache = new PlaylistCache(100_000);
    const first = read(cache, text(5, 3));
    expect(numbers(first)).toEqual([5, 6, 7]);
    for (const piece of [1, 7, 64, 1_000]) expect(read(cache, text(5, 3), null, piece)).toBe(first);
    const second = read(cache, text(6, 3), first);
    expect(numbers(second)).toEqual([6, 7, 8]);
    expect(read(cache, text(6, 3), first)).toBe(second);
  });

  it('are read anew where they differ anywhere, also where one is the beginning of the other', () => {
    const cache = new PlaylistCache(100_000);
    const variants = [text(5, 3), text(5, 4), text(5, 3), text(5, 3).replace('7.ts', '8.ts'), text(4, 3)];
    for (const piece of [1, 13, 1_000]) {
      for (const one of variants) {
        const fresh = read(new PlaylistCache(0), one);
        expect(read(cache, one, null, piece)).toEqual(fresh);
      }
    }
  });

  it('of which one is a delta update are those of whoever has what it is merged onto', () => {
    const cache = new PlaylistCache(100_000);
    const [mine, yours] = [read(new PlaylistCache(0), text(5, 3)), read(new PlaylistCache(0), text(5, 3))];
    const merged = read(cache, text(5, 4, 3), mine);
    expect(numbers(merged)).toEqual([5, 6, 7, 8]);
    expect(read(cache, text(5, 4, 3), mine)).toBe(merged);
    const other = read(cache, text(5, 4, 3), yours);
    expect(other).not.toBe(merged);
    expect(other.segments[0]).toBe(yours.segments[0]);
  });

  it('are kept within a bound', () => {
    const cache = new PlaylistCache(1_000);
    const entry = (bytes: number) => ({
      bytes: new Uint8Array(bytes),
      playlist: read(new PlaylistCache(0), text(1, 1)),
      base: null,
    });
    for (let i = 0; i < 10; i++) cache.put(`u${i}`, entry(200));
    expect(cache.newest('u4')).toBeUndefined();
    expect(cache.newest('u9')).toBeDefined();
    cache.put('huge', entry(300));
    expect(cache.newest('huge')).toBeUndefined();
  });
});
