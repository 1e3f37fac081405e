/**
 * Signed, expiring URLs, in node-media-server's scheme so that plain clients of it keep working:
 *
 *     rtmp://host/live/room?sign=1767225600-0cc175b9c0f1b6a831c399e269772661
 *                                expires    md5("/live/room-1767225600-<secret>")
 *
 * `expires` is in seconds since the epoch. The path signed is `/app/name` on every protocol: an HTTP-FLV or WS-FLV
 * URL is signed without its `.flv`.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** What is wrong with a signature; null is nothing. */
export type SignatureFault = 'missing' | 'wrong' | 'expired';

/** The `sign` value for a stream. @param streamPath `/app/name` @param expiresAtS seconds since the epoch, whole */
export function sign(streamPath: string, secret: string, expiresAtS: number): string {
  const digest = createHash('md5').update(`${streamPath}-${expiresAtS}-${secret}`).digest('hex');
  return `${expiresAtS}-${digest}`;
}

/**
 * A stream's URL (rtmp, http, ws or their TLS variants) with its signature added to the query.
 * @param expiresAtS seconds since the epoch; a fraction is cut off
 */
export function signUrl(url: string, secret: string, expiresAtS: number): string {
  const [, path, query] = /^\w+:\/\/[^/]+(\/[^?]*)(?:\?(.*))?$/.exec(url) ?? [];
  if (path === undefined) throw new Error(`cannot sign ${url}: expected a URL with a stream in its path`);
  const signature = sign(path.replace(/\.flv$/, ''), secret, Math.floor(expiresAtS));
  return `${url}${query === undefined ? '?' : query === '' ? '' : '&'}sign=${signature}`;
}

/**
 * Checks a `sign` value. A wrong signature is told apart from an expired one only to who has signed it once:
 * the digest is compared first, in constant time.
 * @param value what came in the query; null when there was none
 * @param nowS seconds since the epoch
 */
export function checkSignature(
  value: string | null,
  streamPath: string,
  secret: string,
  nowS: number,
): SignatureFault | null {
  if (value === null || value === '') return 'missing';
  const [, expires, digest] = /^(\d{1,12})-([0-9a-f]{32})$/.exec(value) ?? [];
  if (expires === undefined || digest === undefined) return 'wrong';
  const [, expected] = sign(streamPath, secret, Number(expires)).split('-') as [string, string];
  if (!timingSafeEqual(Buffer.from(digest, 'latin1'), Buffer.from(expected, 'latin1'))) return 'wrong';
  return Number(expires) < nowS ? 'expired' : null;
}
