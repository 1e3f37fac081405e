/**
 * Defect 1: names reach node-media-server only after they were checked here.
 *
 * The rule is an allow-list on the raw bytes of the request target. Nothing is decoded first: a name that needs
 * percent-coding is not a valid name, so there is no encoded `..`, NUL or slash to think about.
 */

/** `/app/name`, the key of a stream everywhere in node-media-server and in signatures. */
export type StreamPath = `/${string}/${string}`;

const appPattern = /^[A-Za-z0-9_-]{1,64}$/;
const namePattern = /^[A-Za-z0-9_-]{1,128}$/;
const targetPattern = /^\/([A-Za-z0-9_-]{1,64})\/([A-Za-z0-9_-]{1,128})\.flv$/;
/** What a target may hold at all before it is "not found" rather than "malformed". */
const plainPattern = /^\/[A-Za-z0-9_./~-]{0,255}$/;

export const nameRule =
  'expected an application (1 to 64) and a name (1 to 128 characters) of letters, digits, "-" and "_"';

/** The path of valid names; null when either is not one. RTMP commands may carry any type, so both are unknown. */
export function streamPathOf(app: unknown, name: unknown): StreamPath | null {
  if (typeof app !== 'string' || typeof name !== 'string') return null;
  return appPattern.test(app) && namePattern.test(name) ? `/${app}/${name}` : null;
}

/** What an HTTP request target asks for. */
export type Target =
  | { readonly kind: 'stream'; readonly path: StreamPath; readonly sign: string | null }
  | { readonly kind: 'other'; readonly pathname: string }
  | { readonly kind: 'malformed' };

/** Reads a raw HTTP request target (origin form), e.g. `/live/room.flv?sign=…`. */
export function readTarget(url: string): Target {
  const mark = url.indexOf('?');
  const pathname = mark < 0 ? url : url.slice(0, mark);
  const match = targetPattern.exec(pathname);
  if (match) {
    const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
    return { kind: 'stream', path: `/${match[1]}/${match[2]}`, sign: query.get('sign') };
  }
  const malformed = !plainPattern.test(pathname) || pathname.includes('..') || pathname.endsWith('.flv');
  return malformed ? { kind: 'malformed' } : { kind: 'other', pathname };
}
