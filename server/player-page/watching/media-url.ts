import type { PageSettings, Protocol } from '../settings.ts';

export interface StreamChoice {
  /** `live/room`. */
  readonly stream: string;
  /** What else the URL carries, e.g. a signature; without the question mark. */
  readonly query: string;
}

/** As the ingest takes them: docs/server.md, "Publish and play". */
const NAME = /^[\w-]{1,64}\/[\w-]{1,128}$/;

/** Reads what a person types: `live/room`, also with a slash before it, an extension or `?sign=…` after it. Null: no name. */
export function readStreamName(typed: string): StreamChoice | null {
  const [path = '', ...rest] = typed.trim().split('?');
  const stream = path.replace(/^\/+/, '').replace(/\.(flv|m3u8)$/, '');
  return NAME.test(stream) ? { stream, query: rest.join('?') } : null;
}

/** The part of `Location` that counts. */
export interface PageAddress {
  readonly protocol: string;
  readonly hostname: string;
  readonly origin: string;
}

/** Where a stream is played from, by one protocol, for a page that came from `page`. */
export function mediaUrl(
  protocol: Exclude<Protocol, 'whep'>,
  { stream, query }: StreamChoice,
  settings: PageSettings,
  page: PageAddress,
): string {
  const tail = query === '' ? '' : `?${query}`;
  if (protocol === 'hls') return `${settings.hlsUrl ?? page.origin}/${stream}.m3u8${tail}`;
  const { flv } = settings;
  const base = 'url' in flv ? flv.url : `${page.protocol}//${page.hostname}:${flv.port}`;
  return `${protocol === 'ws-flv' ? base.replace(/^http/, 'ws') : base}/${stream}.flv${tail}`;
}
