import { createRequire } from 'node:module';

/** The one version whose source the hardening was written against and checked with. */
export const pinnedVersion = '4.4.3';

/**
 * The hardening reaches into node-media-server's objects, so another version could silently undo it.
 * @returns one sentence that says what is wrong; null when the version is the pinned one
 */
export function checkVersion(found: string): string | null {
  if (found === pinnedVersion) return null;
  return `node-media-server ${found} is installed, but this server's hardening was checked with ${pinnedVersion} only; install that version (npm install node-media-server@${pinnedVersion} --save-exact)`;
}

/** The installed version, read from its package.json without loading any of its code. */
export function installedVersion(): string {
  const { version } = createRequire(import.meta.url)('node-media-server/package.json') as { version: string };
  return version;
}
