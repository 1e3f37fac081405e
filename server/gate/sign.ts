/**
 * Signed, expiring URLs, in node-media-server's scheme so that plain clients of it keep working:
 *
 *     rtmp://host/live/room?sign=1767225600-0cc175b9c0f1b6a831c399e269772661
 *                                expires    md5("/live/room-1767225600-<secret>")
 *
 * `expires` is in seconds since the epoch. The path signed is `/app/name` on every protocol: an HTTP-FLV or WS-FLV
 * URL is signed without its `.flv`, one of HLS (`/live/room.m3u8`) without its `.m3u8`.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * What is wrong with a signature; null is nothing. `lifetime`: it is good, but for longer than anybody may be let in.
 */
export type SignatureFault = 'missing' | 'wrong' | 'expired' | 'lifetime';

/** What a signature is held against. */
export interface SignatureRules {
  /** Each of them is as good as the others: with the old and the new one in here, keys change and nobody notices. */
  readonly secrets: readonly string[];
  /** The furthest that a signature may expire from now, in seconds. null or nothing: as far as it likes. */
  readonly maxLifetimeS?: number | null;
  /** How far the clock of who signs may be from ours, in seconds; 0 when nothing is said. */
  readonly clockSkewS?: number;
}

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
  const signature = sign(path.replace(/\.(?:flv|m3u8)$/, ''), secret, Math.floor(expiresAtS));
  return `${url}${query === undefined ? '?' : query === '' ? '' : '&'}sign=${signature}`;
}

/**
 * Checks a `sign` value. A wrong signature is told apart from an expired one only to who has signed it once:
 * the digests are compared first, all of them, each in constant time. Pure: the same answer on every protocol.
 * @param value what came in the query; null when there was none
 * @param streamPath `/app/name`, exactly the one signed: there are no wildcards
 * @param rules a single secret stands for rules of that secret alone
 * @param nowS seconds since the epoch
 */
export function checkSignature(
  value: string | null,
  streamPath: string,
  rules: SignatureRules | string,
  nowS: number,
): SignatureFault | null {
  const {
    secrets,
    maxLifetimeS = null,
    clockSkewS = 0,
  } = typeof rules === 'string' ? { secrets: [rules] } : rules;
  if (value === null || value === '') return 'missing';
  const [, expires, digest] = /^(\d{1,12})-([0-9a-f]{32})$/.exec(value) ?? [];
  if (expires === undefined || digest === undefined) return 'wrong';
  const expiresAtS = Number(expires);
  // No early end: which of the secrets fits is nobody's business.
  let right = false;
  for (const secret of secrets) right = isSignedBy(digest, streamPath, secret, expiresAtS) || right;
  if (!right) return 'wrong';
  if (expiresAtS + clockSkewS < nowS) return 'expired';
  if (maxLifetimeS !== null && expiresAtS - nowS > maxLifetimeS + clockSkewS) return 'lifetime';
  return null;
}

function isSignedBy(digest: string, streamPath: string, secret: string, expiresAtS: number): boolean {
  const [, expected] = sign(streamPath, secret, expiresAtS).split('-') as [string, string];
  return timingSafeEqual(Buffer.from(digest, 'latin1'), Buffer.from(expected, 'latin1'));
}
