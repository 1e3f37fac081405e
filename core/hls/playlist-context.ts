import { ProtocolError } from '../media.ts';
import { Attributes, readInteger, shown } from './attributes.ts';
import { DEFAULT_PLAYLIST_LIMITS, type PlaylistLimits } from './limits.ts';
import type { Line } from './lines.ts';
import type { StartPoint } from './media-playlist.ts';
import { Variables } from './variables.ts';
import { ViolationList } from './violation.ts';

export interface PlaylistOptions {
  /** Where the playlist was found, after redirects: what its URIs are relative to, and its QUERYPARAM variables. */
  readonly url: string;
  /** Default: the standard `URL` class. */
  readonly resolve?: (reference: string, base: string) => string;
  readonly limits?: Partial<PlaylistLimits>;
}

/** What both kinds of playlist have in common (RFC 8216bis, 4.4.1 and 4.4.2). */
export class PlaylistContext {
  readonly url: string;
  readonly limits: PlaylistLimits;
  readonly violations: ViolationList = new ViolationList();
  readonly variables: Variables;
  readonly #resolve: (reference: string, base: string) => string;
  readonly #imports: ReadonlyMap<string, string>;
  version = 1;
  independentSegments = false;
  start: StartPoint | null = null;

  constructor(options: PlaylistOptions, imports: ReadonlyMap<string, string> = new Map()) {
    this.url = options.url;
    this.limits = { ...DEFAULT_PLAYLIST_LIMITS, ...options.limits };
    this.variables = new Variables(this.limits);
    this.#resolve = options.resolve ?? resolveByStandard;
    this.#imports = imports;
  }

  malformed(line: number, detail: string): void {
    this.violations.add('malformed', line, detail);
  }

  attributes({ value, number }: Line): Attributes {
    return new Attributes(value, number, this.variables, this.violations);
  }

  /** The absolute URL of a URI line or attribute (whose variables have been replaced). Throws `HLS_URL`. */
  absolute(reference: string, line: number): string {
    try {
      return this.#resolve(reference, this.url);
    } catch {
      throw new ProtocolError('HLS_URL', `expected a URI in line ${line}, got ${shown(reference)}`);
    }
  }

  /** As `absolute`, of media: the playlist itself is none (`HLS_SELF_REFERENCE`). */
  absoluteMedia(reference: string, line: number): string {
    const url = this.absolute(reference, line);
    if (url === this.url) {
      throw new ProtocolError(
        'HLS_SELF_REFERENCE',
        `expected media in line ${line}, got the playlist's own URL`,
      );
    }
    return url;
  }

  /** Reads a tag of both kinds; false if it is another. */
  readCommon(line: Line): boolean {
    switch (line.tag) {
      case 'EXT-X-VERSION': {
        const version = readInteger(line.value);
        if (version === null) this.malformed(line.number, `expected a version, got ${shown(line.value)}`);
        else this.version = version;
        return true;
      }
      case 'EXT-X-INDEPENDENT-SEGMENTS':
        this.independentSegments = true;
        return true;
      case 'EXT-X-START': {
        const attributes = this.attributes(line);
        const offsetMs = attributes.ms('TIME-OFFSET');
        if (offsetMs === null) this.malformed(line.number, 'expected TIME-OFFSET');
        else this.start = { offsetMs, precise: attributes.flag('PRECISE') };
        return true;
      }
      case 'EXT-X-DEFINE':
        this.#define(line);
        return true;
      default:
        return false;
    }
  }

  /** 4.4.2.3. A variable that cannot be had ends the parsing, as the RFC wants it. */
  #define(line: Line): void {
    const attributes = this.attributes(line);
    const imported = attributes.text('IMPORT');
    const parameter = attributes.text('QUERYPARAM');
    const name = attributes.text('NAME') ?? imported ?? parameter;
    let value: string | null | undefined = attributes.text('VALUE');
    if (imported !== null) value = this.#imports.get(imported);
    else if (parameter !== null) value = queryParameter(this.url, parameter);
    if (name === null || value === null || value === undefined) {
      throw new ProtocolError(
        'HLS_VARIABLE_UNDEFINED',
        `expected a value for the variable of line ${line.number}, got ${shown(line.value)}`,
      );
    }
    this.variables.define(name, value, line.number);
  }
}

function resolveByStandard(reference: string, base: string): string {
  return new URL(reference, base).href;
}

function queryParameter(url: string, name: string): string | null {
  return URL.canParse(url) ? new URL(url).searchParams.get(name) : null;
}
