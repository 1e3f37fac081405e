import type { Endpoint } from '../connect.ts';
import { fieldLines, fieldsFor, parseHttpUrl, setFields } from '../http-request.ts';
import type { TlsOptions } from '../viewer.ts';

/** Scheme, host and port, with the user and password of the URLs that lead there. */
export interface Origin {
  /** Connections are shared by what has the same one. */
  readonly key: string;
  readonly endpoint: Endpoint;
  readonly host: string;
  readonly authorization: string | null;
  /** Header lines after the request line, serialised once, for requests that offer content codings and that do not. */
  coded: string;
  identity: string;
}

/** Where a URL leads. */
export interface Target {
  readonly origin: Origin;
  /** Path and query. */
  readonly path: string;
}

/** Different origins that are remembered: a playlist may name another one in each line. */
const MAX_ORIGINS = 16;
/** What a URL has in front of its path, where nothing in there is unusual. */
const PLAIN_PREFIX = /^https?:\/\/[^\\?#\s]+$/;
/** A path that is the same after the URL Standard's parser has been over it. */
const PLAIN_PATH = /^\/[\w\-.~!$&()*+,;=:@%/?]*$/;

/**
 * Where URLs lead, and the header lines for there. Hundreds of segments come from one origin: it is parsed once, and a
 * request costs the joining of two strings.
 */
export class Origins {
  readonly #headers: Readonly<Record<string, string>>;
  readonly #tls: TlsOptions | undefined;
  readonly #homeKey: string;
  readonly #homeAuthorization: string | null;
  readonly #known = new Map<string, Origin>();

  /** `home` is the URL whose origin gets the secrets. Throws an Error of one sentence if it is no HTTP URL, or a header cannot be sent. */
  constructor(home: string, headers: Readonly<Record<string, string>>, tls: TlsOptions | undefined) {
    this.#headers = headers;
    this.#tls = tls;
    const { origin, authorization } = parseHttpUrl(home, tls);
    this.#homeKey = origin;
    this.#homeAuthorization = authorization;
    setFields(new Map(), headers, true);
  }

  /** Throws an Error of one sentence if it is no HTTP URL. */
  find(url: string): Target {
    const slash = url.indexOf('/', SCHEME_CHARS);
    const prefix = url.slice(0, slash);
    const known = slash > 0 ? this.#known.get(prefix) : undefined;
    if (known) {
      const path = url.slice(slash);
      if (PLAIN_PATH.test(path) && !path.includes('/.')) return { origin: known, path };
    }
    const { endpoint, path, host, authorization, origin: key } = parseHttpUrl(url, this.#tls);
    const origin: Origin = known ?? {
      key,
      endpoint,
      host,
      authorization: authorization ?? (key === this.#homeKey ? this.#homeAuthorization : null),
      coded: '',
      identity: '',
    };
    if (known === undefined && PLAIN_PREFIX.test(prefix)) {
      if (this.#known.size >= MAX_ORIGINS) this.#known.clear();
      this.#known.set(prefix, origin);
    }
    return { origin, path };
  }

  /**
   * The bytes of a GET request. `carried`: credentials that a redirect within the origin takes along. Secrets among the
   * connection set's headers go to the viewer's own origin only, those of the request (`own`) where `ownSecrets` says so.
   */
  request(
    { origin, path }: Target,
    compression: boolean,
    range: string | null,
    carried: string | null,
    own: Readonly<Record<string, string>> | undefined,
    ownSecrets: boolean,
  ): Uint8Array {
    let lines: string;
    if (own === undefined && carried === null) {
      lines = compression ? origin.coded : origin.identity;
      if (lines === '') {
        lines = fieldLines(this.#fields(origin, compression, null));
        if (compression) origin.coded = lines;
        else origin.identity = lines;
      }
    } else {
      const fields = this.#fields(origin, compression, carried);
      if (own) setFields(fields, own, ownSecrets);
      lines = fieldLines(fields);
    }
    const rangeLine = range === null ? '' : `range: ${range}\r\n`;
    return Buffer.from(`GET ${path} HTTP/1.1\r\n${lines}${rangeLine}\r\n`, 'latin1');
  }

  #fields(origin: Origin, compression: boolean, carried: string | null): Map<string, string> {
    const fields = fieldsFor(origin.host, origin.authorization ?? carried, {
      'accept-encoding': compression ? 'gzip, deflate, br' : 'identity',
    });
    setFields(fields, this.#headers, origin.key === this.#homeKey);
    return fields;
  }
}

/** `https://`: the first slash after that begins the path. */
const SCHEME_CHARS = 8;
