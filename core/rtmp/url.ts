import { withoutSecrets } from '../secrets.ts';

/** What an RTMP URL says: where to connect, and what to ask for there. */
export interface RtmpUrl {
  /** `rtmps:` — RTMP inside TLS. */
  readonly secure: boolean;
  /** Host name or address; an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number;
  /** The `app` of the connect command. */
  readonly app: string;
  /** The name that `publish` and `play` ask for, with its query (signed URLs). */
  readonly stream: string;
  /** The `tcUrl` of the connect command: the URL up to the app, without credentials. */
  readonly tcUrl: string;
  readonly user?: string;
  readonly password?: string;
}

const DEFAULT_PORT = 1935;
/** As ffmpeg and OBS have it: RTMPS goes where HTTPS does. */
const DEFAULT_SECURE_PORT = 443;

// scheme "://" [credentials "@"] ( "[" IPv6 "]" | host ) [":" port] ["/" rest]
const SHAPE =
  /^(rtmps?):\/\/(?:([^@/]*)@)?(?:\[([0-9a-f:.]+(?:%[^\]]+)?)\]|([^\s:/?#[\]@]+))(?::(\d*))?(?:\/(.*))?$/i;

/**
 * Reads `rtmp(s)://[user[:password]@]host[:port]/app[/instance]/stream[?query]`.
 *
 * The path is divided as ffmpeg and librtmp do it: of two segments the first is the app; of three or more the first
 * two are (application and instance), and the rest is the stream's name. The query belongs to the stream, slashes
 * in it included. Nothing is percent-decoded but the credentials, because servers compare names as sent.
 *
 * @throws Error with one sentence that says what is wrong with the URL.
 */
export function parseRtmpUrl(url: string): RtmpUrl {
  const match = hasControlCharacter(url) ? null : SHAPE.exec(url);
  if (match === null)
    throw new Error(`not an RTMP URL: "${withoutSecrets(url)}"; expected rtmp://host[:port]/app/stream`);
  const [, scheme = '', credentials, address6, name = '', digits, rest = ''] = match;
  const secure = scheme.toLowerCase() === 'rtmps';
  const port = readPort(url, digits, secure);
  const { app, stream } = dividePath(url, rest);
  const shownHost = address6 === undefined ? name : `[${address6}]`;
  const shownPort = digits ? `:${port}` : '';
  return {
    secure,
    host: address6 ?? name,
    port,
    app,
    stream,
    tcUrl: `${scheme.toLowerCase()}://${shownHost}${shownPort}/${app}`,
    ...readCredentials(url, credentials),
  };
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) < 0x20 || text.charCodeAt(i) === 0x7f) return true;
  return false;
}

function readPort(url: string, digits: string | undefined, secure: boolean): number {
  if (!digits) return secure ? DEFAULT_SECURE_PORT : DEFAULT_PORT;
  const port = Number(digits);
  if (port < 1 || port > 65_535)
    throw new Error(`port ${digits} of "${withoutSecrets(url)}" is not between 1 and 65535`);
  return port;
}

function dividePath(url: string, rest: string): { app: string; stream: string } {
  const queryAt = rest.indexOf('?');
  const path = queryAt < 0 ? rest : rest.slice(0, queryAt);
  const query = queryAt < 0 ? '' : rest.slice(queryAt);
  const segments = path.split('/');
  const appSegments = segments.length > 2 ? 2 : 1;
  const app = segments.slice(0, appSegments).join('/');
  const stream = segments.slice(appSegments).join('/');
  if (app === '' || app.startsWith('/') || app.endsWith('/') || stream === '') {
    throw new Error(
      `"${withoutSecrets(url)}" names no app and stream; expected rtmp://host[:port]/app/stream`,
    );
  }
  return { app, stream: stream + query };
}

function readCredentials(url: string, credentials: string | undefined): { user?: string; password?: string } {
  if (credentials === undefined) return {};
  const colon = credentials.indexOf(':');
  try {
    if (colon < 0) return { user: decodeURIComponent(credentials) };
    return {
      user: decodeURIComponent(credentials.slice(0, colon)),
      password: decodeURIComponent(credentials.slice(colon + 1)),
    };
  } catch {
    throw new Error(`user or password of "${withoutSecrets(url)}" is not properly percent-encoded`);
  }
}
