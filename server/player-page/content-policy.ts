import type { PageSettings } from './settings.ts';

const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])$/i;

/**
 * The Content-Security-Policy of the page: scripts, styles and pictures from its own origin, media from there and from where the
 * streams are, and nothing else; no inline script, no eval, no frames, no worker.
 * @param hostname of the request: it comes from the network, and is left out when it is none
 */
export function contentPolicy(settings: PageSettings, isHttps: boolean, hostname: string): string {
  const media = [
    ...flvOrigins(settings, isHttps, hostname),
    ...(settings.hlsUrl === null ? [] : [settings.hlsUrl]),
  ];
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src ${["'self'", ...media].join(' ')}`,
    `media-src ${["'self'", 'blob:', ...(settings.hlsUrl === null ? [] : [settings.hlsUrl])].join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function flvOrigins({ flv }: PageSettings, isHttps: boolean, hostname: string): string[] {
  const tls = isHttps ? 's' : '';
  if ('url' in flv) return [flv.url, flv.url.replace(/^http/, 'ws')];
  if (!HOST.test(hostname)) return [];
  return [`http${tls}://${hostname}:${flv.port}`, `ws${tls}://${hostname}:${flv.port}`];
}
