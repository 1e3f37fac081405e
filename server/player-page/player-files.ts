import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** Paths of what the page loads, as plain text so that they can be passed to a child process. */
export interface PlayerFiles {
  /** The page's script, bundled: `dist/server/player-page/browser/main.js`. */
  readonly script: string;
  readonly mpegts: string;
  readonly hls: string;
}

/**
 * Finds the player libraries where Node finds packages.
 * @param resolve `createRequire(…).resolve` of the command line: bundled code does not know where it lies
 * @throws MODULE_NOT_FOUND when a package is absent
 */
export function findPlayerFiles(script: string, resolve: (specifier: string) => string): PlayerFiles {
  return {
    script,
    mpegts: resolve('mpegts.js/dist/mpegts.js'),
    hls: resolve('hls.js/dist/hls.min.mjs'),
  };
}

/** A file as it is sent: once read, once compressed. */
export interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  readonly gzipped: Buffer;
  readonly etag: string;
}

export async function makeAsset(type: string, content: string | Buffer): Promise<Asset> {
  const bytes = Buffer.from(content);
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  return { type, bytes, gzipped: await promisify(gzip)(bytes, { level: 9 }), etag };
}

const SCRIPT = 'text/javascript; charset=utf-8';

/** A script without the comment that names its source map: the map is not served, and asking for it would fail. */
export async function readScript(file: string): Promise<Asset> {
  const text = await readFile(file, 'utf8');
  return makeAsset(SCRIPT, text.replace(/^\/\/# sourceMappingURL=.*$/m, ''));
}
