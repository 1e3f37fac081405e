/**
 * Common Media Client Data, request mode (CTA-5004-B, version 2): what a player tells a server with each request. Only keys that a viewer
 * knows are there.
 */
export interface Cmcd {
  /** Encoded bit rate of what is asked for, kbit/s. */
  readonly br?: number;
  /** Media in the buffer, ms; told to the nearest 100. */
  readonly bl?: number;
  /** The buffer was empty since the last request. */
  readonly bs?: boolean;
  /** Content ID. */
  readonly cid?: string;
  /** Duration of what is asked for, ms. */
  readonly d?: number;
  /** By when it must have come, in ms from now; to the nearest 100. */
  readonly dl?: number;
  /** Measured throughput, kbit/s; to the nearest 100. */
  readonly mtp?: number;
  /** Next object to be asked for, relative to this one. */
  readonly nor?: string;
  /** Object type: manifest, audio, video, audio and video, init segment, key, other. */
  readonly ot?: 'm' | 'a' | 'v' | 'av' | 'i' | 'k' | 'o';
  /** Playback rate; 1 is not said. */
  readonly pr?: number;
  /** Requested maximum throughput, kbit/s; to the nearest 100. */
  readonly rtp?: number;
  readonly sf?: 'h' | 'd' | 's' | 'o';
  /** Session ID: a UUID. */
  readonly sid?: string;
  /** v2: state of the player: starting, playing, rebuffering, paused, ended … */
  readonly sta?: 's' | 'p' | 'r' | 'a' | 'e';
  readonly st?: 'v' | 'l' | 'll';
  /** It is needed at once: start-up, seek, or an empty buffer. */
  readonly su?: boolean;
  /** Highest bit rate that could be asked for, kbit/s. */
  readonly tb?: number;
  /** Version of the standard; 1 is not said. */
  readonly v?: 1 | 2;
  /** v2: live stream latency, ms; to the nearest 100. */
  readonly ltc?: number;
}

type Key = keyof Cmcd;

/** Rounded to the nearest hundred. */
const TO_HUNDRED: ReadonlySet<Key> = new Set<Key>(['bl', 'dl', 'mtp', 'rtp', 'ltc']);
/** Words of the standard, without quotes. */
const TOKENS: ReadonlySet<Key> = new Set<Key>(['ot', 'sf', 'st', 'sta']);
/** By how often they change: which header carries which key. */
const HEADERS: Readonly<Record<string, readonly Key[]>> = {
  'CMCD-Object': ['br', 'd', 'ot', 'tb'],
  'CMCD-Request': ['bl', 'dl', 'ltc', 'mtp', 'nor', 'sta', 'su'],
  'CMCD-Session': ['cid', 'pr', 'sf', 'sid', 'st', 'v'],
  'CMCD-Status': ['bs', 'rtp'],
};

/** `br=1200,ot=v,sid="…"`: keys in the order of the alphabet, as the standard wants it; empty if nothing is known. */
export function writeCmcd(data: Cmcd, keys: readonly Key[] = Object.keys(data) as Key[]): string {
  return keys
    .toSorted()
    .flatMap((key) => write(key, data[key]) ?? [])
    .join(',');
}

/** The URL with `CMCD=…` behind its own parameters. */
export function withCmcd(url: string, data: Cmcd): string {
  const text = writeCmcd(data);
  if (text === '') return url;
  const fragmentAt = url.indexOf('#');
  const bare = fragmentAt < 0 ? url : url.slice(0, fragmentAt);
  return `${bare}${bare.includes('?') ? '&' : '?'}CMCD=${encodeURIComponent(text)}`;
}

/** The same in headers; those that would be empty are left out. */
export function cmcdHeaders(data: Cmcd): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, keys] of Object.entries(HEADERS)) {
    const text = writeCmcd(data, keys);
    if (text !== '') headers[name] = text;
  }
  return headers;
}

/** Takes `CMCD` out of a URL: a redirected playlist's must not be handed on to the next request. */
export function withoutCmcd(url: string): string {
  if (!url.includes('CMCD=')) return url;
  return url.replace(/([?&])CMCD=[^&#]*(&|(?=#|$))/, (_, before: string, after: string) =>
    after === '&' ? before : '',
  );
}

function write(key: Key, value: Cmcd[Key]): string | null {
  if (value === undefined || value === false || (key === 'v' && value === 1) || (key === 'pr' && value === 1))
    return null;
  if (value === true) return key;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return null;
    const whole = TO_HUNDRED.has(key)
      ? Math.round(value / 100) * 100
      : key === 'pr'
        ? value
        : Math.round(value);
    return `${key}=${whole}`;
  }
  if (TOKENS.has(key)) return `${key}=${value}`;
  return `${key}="${asciiOf(value).replace(/[\\"]/g, '\\$&')}"`;
}

/** A string is printable ASCII (RFC 9651, 3.3.3), in headers above all; names in other letters are percent-encoded, as in a URL. */
function asciiOf(value: string): string {
  return value.replace(/[^\x20-\x7e]/gu, (letter) =>
    // Half of a letter, where a name was cut.
    /^[\ud800-\udfff]$/.test(letter) ? '%EF%BF%BD' : encodeURIComponent(letter),
  );
}
