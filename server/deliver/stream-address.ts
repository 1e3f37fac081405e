/**
 * What a request target asks for. The rule is an allow-list on the raw target, as at the ingest: nothing is decoded first, so there
 * is no encoded `..`, NUL or slash to think about.
 *
 *     /live/room.m3u8             multivariant
 *     /live/room/index.m3u8       media playlist of the first container; ts.m3u8, fmp4.m3u8 of that one
 *     /live/room/1k2-seg-7.m4s    segment, part (…seg-7.3.m4s), init segment (…init-0.mp4), key (…key-4.key)
 */
export type StreamAddress =
  | { readonly kind: 'multivariant'; readonly stream: string }
  | { readonly kind: 'playlist'; readonly stream: string; readonly file: string }
  | { readonly kind: 'media'; readonly stream: string; readonly file: string };

const MULTIVARIANT = /^\/([A-Za-z0-9_-]{1,64}\/[A-Za-z0-9_-]{1,128})\.m3u8$/;
const PLAYLIST = /^\/([A-Za-z0-9_-]{1,64}\/[A-Za-z0-9_-]{1,128})\/(index|ts|fmp4)\.m3u8$/;
const MEDIA =
  /^\/([A-Za-z0-9_-]{1,64}\/[A-Za-z0-9_-]{1,128})\/([a-z0-9]{1,16}-(?:seg|init|key)-[0-9.]{1,24}\.(?:ts|m4s|mp4|key))$/;

/** Null: none of these. @param pathname without its query */
export function readAddress(pathname: string): StreamAddress | null {
  const multivariant = MULTIVARIANT.exec(pathname);
  if (multivariant) return { kind: 'multivariant', stream: multivariant[1]! };
  const playlist = PLAYLIST.exec(pathname);
  if (playlist) return { kind: 'playlist', stream: playlist[1]!, file: playlist[2]! };
  const media = MEDIA.exec(pathname);
  return media ? { kind: 'media', stream: media[1]!, file: media[2]! } : null;
}

export function splitTarget(target: string): { pathname: string; query: URLSearchParams } {
  const mark = target.indexOf('?');
  return mark < 0
    ? { pathname: target, query: new URLSearchParams() }
    : { pathname: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) };
}
