import { maskSecrets } from './secrets.ts';
import { expandPatterns } from './stream-pattern.ts';
import { notCarriedOut, type Protocol } from './words.ts';

/** Where a server is reached; without an application. */
export interface TargetAddresses {
  readonly rtmp?: string | undefined;
  readonly http?: string | undefined;
  /** Where HLS is served, if not under `http`; with `{stream}` in it: the whole address, as in `http://cdn/{stream}/master.m3u8`. */
  readonly hls?: string | undefined;
}

export interface StreamAddress {
  readonly protocol: Protocol;
  /** The tag: application and name, without a query, which may hold a signature. */
  readonly name: string;
  readonly url: string;
}

/** Addresses of stream patterns on a target: `live/a` → `rtmp://host/live/a`, `http://host/live/a.flv` `ws://host/live/a.flv` or `http://host/live/a.m3u8`. */
export function streamAddresses(
  patterns: readonly string[],
  protocol: Protocol,
  target: TargetAddresses,
): StreamAddress[] {
  const base = baseOf(protocol, target)?.replace(/\/+$/, '') ?? '';
  return expandPatterns(patterns).map((stream) => {
    const [name = '', query] = splitQuery(stream);
    if (protocol === 'hls' && base.includes(STREAM)) {
      return { protocol, name, url: base.replaceAll(STREAM, name) + query };
    }
    const file = protocol === 'rtmp' ? name : `${name}${protocol === 'hls' ? '.m3u8' : '.flv'}`;
    return { protocol, name, url: `${base}/${file}${query}` };
  });
}

/** Stands for application and name in `target.hls`. */
const STREAM = '{stream}';

function baseOf(protocol: Protocol, { rtmp, http, hls }: TargetAddresses): string | undefined {
  switch (protocol) {
    case 'rtmp':
      return rtmp;
    case 'http-flv':
      return http;
    case 'ws-flv':
      return http?.replace(/^http/i, 'ws');
    case 'hls':
      return hls ?? http;
  }
}

/** Streams of full addresses: the protocol follows from the address, or is `said` where it does not tell; the name from its path. */
export function urlAddresses(patterns: readonly string[], said?: Protocol): StreamAddress[] {
  return expandPatterns(patterns).map((url) => ({ protocol: protocolOf(url, said), name: nameOf(url), url }));
}

/**
 * The protocol that an address asks for, or that is `said` of one of http(s):// which does not tell.
 * @throws Error with one sentence when it is none that this version has viewers for
 */
export function protocolOf(url: string, said?: Protocol): Protocol {
  const told = protocolTold(url, said);
  if (said === undefined || said === told) return told;
  throw new Error(`"${maskSecrets(url)}" is an address of the protocol "${told}", not of "${said}"`);
}

function protocolTold(url: string, said: Protocol | undefined): Protocol {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  const path = splitQuery(url)[0] ?? '';
  if (scheme === 'rtmp' || scheme === 'rtmps') return 'rtmp';
  if ((scheme === 'http' || scheme === 'https') && path.endsWith('.flv')) return 'http-flv';
  if ((scheme === 'ws' || scheme === 'wss') && path.endsWith('.flv')) return 'ws-flv';
  if ((scheme === 'http' || scheme === 'https') && /\.m3u8?$/i.test(path)) return 'hls';
  if ((scheme === 'http' || scheme === 'https') && (said === 'hls' || said === 'http-flv')) return said;
  if ((scheme === 'ws' || scheme === 'wss') && said === 'ws-flv') return said;
  if (scheme !== undefined && ['http', 'https', 'ws', 'wss'].includes(scheme))
    throw new Error(
      `"${maskSecrets(url)}" ends in neither .flv nor .m3u8, so it is not known what kind of stream it is; say its protocol`,
    );
  if (scheme === 'whep' || scheme === 'wheps')
    throw new Error(`"${maskSecrets(url)}": viewers of ${scheme}:// ${notCarriedOut}`);
  throw new Error(
    `"${maskSecrets(url)}" cannot be played: expected rtmp(s)://host/app/stream, http(s):// or ws(s)://host/app/stream.flv, or http(s)://host/app/stream.m3u8`,
  );
}

function nameOf(url: string): string {
  const [withoutQuery = ''] = splitQuery(url);
  const path = withoutQuery.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*\/?/i, '').replace(/\.(?:flv|m3u8?)$/i, '');
  return path === '' ? '/' : path;
}

function splitQuery(text: string): [string, string] {
  const at = text.indexOf('?');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)];
}
