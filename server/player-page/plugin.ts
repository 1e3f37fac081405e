import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { contentPolicy } from './content-policy.ts';
import { renderPage } from './page.ts';
import { pageIcon, pageStyle } from './page-style.ts';
import { type Asset, makeAsset, type PlayerFiles, readScript } from './player-files.ts';
import type { PageSettings } from './settings.ts';

export interface PlayerPageOptions {
  readonly files: PlayerFiles;
  /** Where HTTP-FLV and WS-FLV are: an origin, or a port on whatever host the page is asked for by. */
  readonly flv: PageSettings['flv'];
  /** The origin of HLS, if it is not this server. */
  readonly hlsUrl?: string;
  /** Gives the streams as JSON, e.g. `/api/streams`; without it, or where it refuses, names are typed. */
  readonly streamsUrl?: string;
}

/**
 * The player page, as a fastify plugin: `server.register(playerPage, { prefix: '/player', … })`.
 *
 *     /player/            the page                       /player/player.js   its script
 *     /player/mpegts.js, /player/hls.js   the libraries, from node_modules, each loaded when its protocol is chosen
 */
export const playerPage: FastifyPluginAsync<PlayerPageOptions> = async (server, options) => {
  const { files, flv, hlsUrl = null, streamsUrl = null } = options;
  const settings: PageSettings = { flv, hlsUrl, streamsUrl };
  const [page, style, icon, script, mpegts, hls] = await Promise.all([
    makeAsset('text/html; charset=utf-8', renderPage(settings)),
    makeAsset('text/css; charset=utf-8', pageStyle),
    makeAsset('image/svg+xml', pageIcon),
    readScript(files.script),
    readScript(files.mpegts),
    readScript(files.hls),
  ]);
  const assets = {
    'style.css': style,
    'icon.svg': icon,
    'player.js': script,
    'mpegts.js': mpegts,
    'hls.js': hls,
  };

  server.get('/', (request, reply) => {
    // `/player` without the slash: the page's relative addresses would go elsewhere.
    const { pathname, search } = new URL(request.url, 'http://page');
    if (!pathname.endsWith('/')) return reply.redirect(`${pathname}/${search}`.replace(/^\/+/, '/'), 308);
    reply.header(
      'content-security-policy',
      contentPolicy(settings, request.protocol === 'https', request.hostname),
    );
    return sendAsset(request, reply, page);
  });
  for (const [name, asset] of Object.entries(assets))
    server.get(`/${name}`, (request, reply) => sendAsset(request, reply, asset));
};

function sendAsset(request: FastifyRequest, reply: FastifyReply, asset: Asset): FastifyReply {
  reply.headers({
    // Asked about each time, sent only when changed: after an update no page runs with an old script.
    'cache-control': 'no-cache',
    etag: asset.etag,
    vary: 'accept-encoding',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'strict-origin-when-cross-origin',
  });
  if (request.headers['if-none-match'] === asset.etag) return reply.code(304).send();
  reply.type(asset.type);
  if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return reply.send(asset.bytes);
  return reply.header('content-encoding', 'gzip').send(asset.gzipped);
}
