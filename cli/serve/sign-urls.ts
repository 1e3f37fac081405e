/** `streamgauge serve --sign live/room --for 1h`: the URLs of a stream, signed with the newest keys of a configuration. */
import type { ServerConfig } from '../../server/config.ts';
import { gateRules } from '../../server/gate/gate-options.ts';
import { signUrl } from '../../server/gate/sign.ts';
import { streamPathOf } from '../../server/ingest/hardening/stream-path.ts';
import { urlHost } from '../../server/supervision/supervisor.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';

export interface SignedUrls {
  /** ISO 8601. */
  readonly expires: string;
  readonly publish: Readonly<Record<string, string>>;
  readonly play: Readonly<Record<string, string>>;
}

/**
 * @param stream `live/room` @param forMs how long they are to be good @param nowMs milliseconds since the epoch
 * @throws CommandError where nothing can be signed, or not for so long
 */
export function signStreamUrls(
  stream: string,
  forMs: number,
  config: ServerConfig,
  nowMs: number,
): SignedUrls {
  const [app, name, ...more] = stream.replace(/^\//, '').split('/');
  const path = more.length > 0 ? null : streamPathOf(app, name);
  if (path === null)
    throw new CommandError(
      exitCodes.wrongUsage,
      `--sign ${stream}: expected APPLICATION/NAME, such as live/room.`,
    );
  const { signatures } = gateRules(config.gate);
  const { secrets, maxLifetimeS } = signatures.play;
  const [publishSecret] = signatures.publish.secrets;
  const [playSecret] = secrets;
  if (publishSecret === undefined && playSecret === undefined)
    throw new CommandError(
      exitCodes.wrongUsage,
      '--sign needs a configuration (--config) with gate.publishSecret or gate.playSecret: without them every URL is good as it is.',
    );
  if (maxLifetimeS != null && forMs > maxLifetimeS * 1_000)
    throw new CommandError(
      exitCodes.wrongUsage,
      `--for: gate.maxLifetimeS allows ${maxLifetimeS} s at most.`,
    );
  const expiresAtS = Math.floor((nowMs + forMs) / 1_000);
  const signed = (url: string, secret: string | undefined) =>
    secret === undefined ? url : signUrl(url, secret, expiresAtS);
  const bases = baseUrls(config);
  const play = Object.entries(bases).map(([protocol, base]) => [
    protocol,
    signed(`${base}${path}${extensions[protocol] ?? ''}`, playSecret),
  ]);
  const publish = ['rtmp', 'rtmps'].flatMap((protocol) => {
    const base = bases[protocol];
    return base === undefined ? [] : [[protocol, signed(`${base}${path}`, publishSecret)]];
  });
  return {
    expires: new Date(expiresAtS * 1_000).toISOString(),
    publish: Object.fromEntries(publish),
    play: Object.fromEntries(play),
  };
}

const extensions: Readonly<Record<string, string>> = {
  flv: '.flv',
  ws: '.flv',
  flvTls: '.flv',
  hls: '.m3u8',
};
const defaultHlsPort = 8080;

function baseUrls({ host, tls, ingest, deliver }: ServerConfig): Readonly<Record<string, string>> {
  const at = urlHost(host);
  const { rtmpPort, httpPort, rtmpsPort, httpsPort } = ingest;
  return {
    rtmp: `rtmp://${at}:${rtmpPort}`,
    flv: `http://${at}:${httpPort}`,
    ws: `ws://${at}:${httpPort}`,
    hls: `${tls === undefined ? 'http' : 'https'}://${at}:${deliver.port ?? defaultHlsPort}`,
    ...(tls === undefined
      ? {}
      : { rtmps: `rtmps://${at}:${rtmpsPort}`, flvTls: `https://${at}:${httpsPort}` }),
  };
}

/** For people: one URL a line. */
export function signedText({ expires, publish, play }: SignedUrls): string {
  const lines = (urls: Readonly<Record<string, string>>) => Object.values(urls).map((url) => `  ${url}`);
  return ['Publish', ...lines(publish), '', 'Play', ...lines(play), '', `Good until ${expires}.`, ''].join(
    '\n',
  );
}
