/** Where an InfluxDB 1.x is and how to log in, from one URL. */
export interface InfluxdbAddress {
  readonly protocol: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string | null;
  readonly password: string;
  /** The URL without user and password: the only form that may be printed. */
  readonly shown: string;
}

const defaultPort = 8086;
const example = 'http://127.0.0.1:8086/streamgauge';

/**
 * Reads `http[s]://[user:password@]host[:8086]/database`. User and password are percent-decoded.
 * @throws Error with one sentence that never repeats the input, since it may hold a password
 */
export function parseInfluxdbUrl(text: string): InfluxdbAddress {
  if (!URL.canParse(text)) throw new Error(`The InfluxDB address is no URL; it looks like ${example}.`);
  const url = new URL(text);
  const protocol = url.protocol.slice(0, -1);
  if (protocol !== 'http' && protocol !== 'https') {
    throw new Error(
      `The InfluxDB address begins with "${protocol}:"; wanted http: or https:, as in ${example}.`,
    );
  }
  const database = decode(url.pathname.slice(1), 'database');
  if (database === '' || database.includes('/')) {
    throw new Error(
      `The InfluxDB address ${url.protocol}//${url.host} needs the database's name after one slash, as in ${example}.`,
    );
  }
  const port = url.port === '' ? defaultPort : Number(url.port);
  return {
    protocol,
    host: url.hostname,
    port,
    database,
    user: url.username === '' ? null : decode(url.username, 'user'),
    password: decode(url.password, 'password'),
    shown: `${protocol}://${url.hostname}:${port}/${database}`,
  };
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(
      `The ${what} in the InfluxDB address holds a % that is no percent-coded sign; write it as %25.`,
    );
  }
}
