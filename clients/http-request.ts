import { withoutSecrets } from '../core/secrets.ts';
import type { Endpoint } from './connect.ts';
import type { TlsOptions } from './viewer.ts';

/** What an HTTP URL says: where to connect, and what to ask for there. */
export interface HttpTarget {
  readonly endpoint: Endpoint;
  /** Path and query, as in the URL (signed URLs). */
  readonly path: string;
  /** Value of the Host header. */
  readonly host: string;
  /** Value of the Authorization header, from `user:password@`. */
  readonly authorization: string | null;
  /** Scheme, host and port: credentials go to no other. */
  readonly origin: string;
}

/** Throws an Error of one sentence if it is no HTTP(S) URL. */
export function parseHttpUrl(url: string, tls?: TlsOptions): HttpTarget {
  return parseTarget(url, 'http', tls);
}

/** A WebSocket begins as an HTTP request (RFC 6455, section 3). Throws an Error of one sentence if it is no WS(S) URL. */
export function parseWebSocketUrl(url: string, tls?: TlsOptions): HttpTarget {
  return parseTarget(url, 'ws', tls);
}

function parseTarget(url: string, scheme: 'http' | 'ws', tls: TlsOptions | undefined): HttpTarget {
  const expected = `expected ${scheme}://host[:port]/app/stream.flv`;
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new Error(`not a URL: "${withoutSecrets(url)}"; ${expected}`);
  }
  const secure = parsed.protocol === `${scheme}s:`;
  if (!secure && parsed.protocol !== `${scheme}:`) {
    const kind = scheme === 'ws' ? 'a WebSocket' : 'an HTTP';
    throw new Error(`not ${kind} URL: "${withoutSecrets(url)}"; ${expected}`);
  }
  return {
    endpoint: {
      host: parsed.hostname.replace(/^\[|\]$/g, ''),
      port: Number(parsed.port) || (secure ? 443 : 80),
      secure,
      ...(tls ? { tls } : {}),
    },
    path: parsed.pathname + parsed.search,
    host: parsed.host,
    authorization: basic(url, parsed),
    origin: parsed.origin,
  };
}

function basic(url: string, { username, password }: URL): string | null {
  if (username === '' && password === '') return null;
  try {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(credentials).toString('base64')}`;
  } catch {
    throw new Error(`user or password of "${withoutSecrets(url)}" is not properly percent-encoded`);
  }
}

/**
 * Where a `Location` header leads; `null` if to nothing that is HTTP (that a WebSocket is sent to an HTTP URL means the
 * WebSocket there). Credentials go along to the same origin only.
 */
export function redirectTarget(from: HttpTarget, location: string, tls?: TlsOptions): HttpTarget | null {
  try {
    const { href } = new URL(location, from.origin + from.path);
    const target = from.origin.startsWith('ws')
      ? parseWebSocketUrl(href.replace(/^http/, 'ws'), tls)
      : parseHttpUrl(href, tls);
    return target.authorization === null && target.origin === from.origin
      ? { ...target, authorization: from.authorization }
      : target;
  } catch {
    return null;
  }
}

/**
 * The bytes of a GET request. `headers` replace those that are sent by default; secrets among them go only to the
 * origin that was `asked` first. `protocol` are those that the protocol itself needs: they are not replaced.
 * Throws an Error of one sentence if one of them cannot be sent.
 */
export function getRequest(
  target: HttpTarget,
  headers: Readonly<Record<string, string>> = {},
  asked: HttpTarget = target,
  protocol: Readonly<Record<string, string>> = {},
): Uint8Array {
  const fields = fieldsFor(target.host, target.authorization, {
    // Compressed media would have to be decompressed before anything can be measured.
    'accept-encoding': 'identity',
    connection: 'close',
  });
  setFields(fields, headers, target.origin === asked.origin);
  for (const [name, value] of Object.entries(protocol)) fields.set(name, value);
  return Buffer.from(`GET ${target.path} HTTP/1.1\r\n${fieldLines(fields)}\r\n`, 'latin1');
}

/** The headers of every request, and `more` that depend on who asks. */
export function fieldsFor(
  host: string,
  authorization: string | null,
  more: Readonly<Record<string, string>>,
): Map<string, string> {
  const fields = new Map([
    ['host', host],
    ['user-agent', 'streamgauge'],
    ['accept', '*/*'],
    ...Object.entries(more),
  ]);
  if (authorization) fields.set('authorization', authorization);
  return fields;
}

/** Sets or replaces headers; `withSecrets`: those with secrets, too. Throws an Error of one sentence if one cannot be sent. */
export function setFields(
  fields: Map<string, string>,
  headers: Readonly<Record<string, string>>,
  withSecrets: boolean,
): void {
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      // Not its value, which may be a secret: one that was read from a file and ends in a line break is the usual case.
      throw new Error(
        `the request header ${JSON.stringify(name)} cannot be sent: HTTP does not allow all of its characters`,
      );
    }
    const lowerName = name.toLowerCase();
    if (withSecrets || !secrets.has(lowerName)) fields.set(lowerName, value);
  }
}

export function fieldLines(fields: ReadonlyMap<string, string>): string {
  return [...fields].map(([name, value]) => `${name}: ${value}\r\n`).join('');
}

const secrets = new Set(['authorization', 'cookie']);
