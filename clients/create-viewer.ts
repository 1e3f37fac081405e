import { withoutSecrets } from '../core/secrets.ts';
import { ConnectViewer } from './connect-viewer.ts';
import { HlsViewer } from './hls-viewer.ts';
import { HttpFlvViewer } from './http-flv-viewer.ts';
import { RtmpViewer } from './rtmp-viewer.ts';
import type { Viewer, ViewerOptions } from './viewer.ts';
import { WsFlvViewer } from './ws-flv-viewer.ts';

/** The values of the `protocol` tag that a viewer of this process can have. TLS is no protocol of its own. */
export type ViewerProtocol = 'rtmp' | 'http-flv' | 'ws-flv' | 'hls';

/** Which protocol a URL is played by. Throws an Error of one sentence if by none. */
export function protocolOf(url: string): ViewerProtocol {
  if (/^rtmps?:\/\//i.test(url)) return 'rtmp';
  if (/^https?:\/\/[^?#]*\.flv(?:[?#]|$)/i.test(url)) return 'http-flv';
  if (/^wss?:\/\/[^?#]*\.flv(?:[?#]|$)/i.test(url)) return 'ws-flv';
  if (/^https?:\/\/[^?#]*\.m3u8?(?:[?#]|$)/i.test(url)) return 'hls';
  throw new Error(
    `"${withoutSecrets(url)}" cannot be played: expected rtmp(s)://host/app/stream, http(s):// or ws(s)://host/app/stream.flv, or http(s)://host/path/stream.m3u8`,
  );
}

/** A viewer for the URL's protocol; nothing is connected before `start`. Throws an Error of one sentence if the URL or an option cannot be used. */
export function createViewer(options: ViewerOptions): Viewer {
  const protocol = options.protocol ?? protocolOf(options.url);
  if (options.only) return new ConnectViewer(options, options.only);
  switch (protocol) {
    case 'rtmp':
      return new RtmpViewer(options);
    case 'http-flv':
      return new HttpFlvViewer(options);
    case 'ws-flv':
      return new WsFlvViewer(options);
    case 'hls':
      return new HlsViewer(options);
  }
}
