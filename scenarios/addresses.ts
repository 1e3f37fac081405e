import { maskSecrets } from './secrets.ts';
import { expandPatterns } from './stream-pattern.ts';
import { notCarriedOut, type Protocol } from './words.ts';

/** Where a server is reached; without an application. */
export interface TargetAddresses {
  readonly rtmp?: string | undefined;
  readonly http?: string | undefined;
}

export interface StreamAddress {
  readonly protocol: Protocol;
  /** The tag: application and name, without a query, which may hold a signature. */
  readonly name: string;
  readonly url: string;
}

/** Addresses of stream patterns on a target: `live/a` → `rtmp://host/live/a`, `http://host/live/a.flv` or `ws://host/live/a.flv`. */
export function streamAddresses(
  patterns: readonly string[],
  protocol: Protocol,
  target: TargetAddresses,
): StreamAddress[] {
  const base = baseOf(protocol, target)?.replace(/\/+$/, '') ?? '';
  return expandPatterns(patterns).map((stream) => {
    const [name = '', query] = splitQuery(stream);
    const file = protocol === 'rtmp' ? name : `${name}.flv`;
    return { protocol, name, url: `${base}/${file}${query}` };
  });
}

function baseOf(protocol: Protocol, { rtmp, http }: TargetAddresses): string | undefined {
  switch (protocol) {
    case 'rtmp':
      return rtmp;
    case 'http-flv':
      return http;
    case 'ws-flv':
      return http?.replace(/^http/i, 'ws');
  }
}

/** Streams of full addresses: the protocol follows from the address, the name from its path. */
export function urlAddresses(patterns: readonly string[]): StreamAddress[] {
  return expandPatterns(patterns).map((url) => ({ protocol: protocolOf(url), name: nameOf(url), url }));
}

/**
 * The protocol that an address asks for.
 * @throws Error with one sentence when it is none that this version has viewers for
 */
export function protocolOf(url: string): Protocol {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  const path = splitQuery(url)[0] ?? '';
  if (scheme === 'rtmp' || scheme === 'rtmps') return 'rtmp';
  if ((scheme === 'http' || scheme === 'https') && path.endsWith('.flv')) return 'http-flv';
  if ((scheme === 'ws' || scheme === 'wss') && path.endsWith('.flv')) return 'ws-flv';
  if (scheme !== undefined && ['http', 'https', 'ws', 'wss'].includes(scheme))
    throw new Error(
      path.endsWith('.m3u8')
        ? `"${maskSecrets(url)}": viewers of the protocol "hls" ${notCarriedOut}`
        : `"${maskSecrets(url)}" does not end in .flv, so it is not known what kind of stream it is`,
    );
  if (scheme === 'whep' || scheme === 'wheps')
    throw new Error(`"${maskSecrets(url)}": viewers of ${scheme}:// ${notCarriedOut}`);
  throw new Error(
    `"${maskSecrets(url)}" cannot be played: expected rtmp(s)://host/app/stream, or http(s):// or ws(s)://host/app/stream.flv`,
  );
}

function nameOf(url: string): string {
  const [withoutQuery = ''] = splitQuery(url);
  const path = withoutQuery.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*\/?/i, '').replace(/\.flv$/, '');
  return path === '' ? '/' : path;
}

function splitQuery(text: string): [string, string] {
  const at = text.indexOf('?');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)];
}
