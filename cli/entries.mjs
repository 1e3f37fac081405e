/**
 * Every file that is started as a process or a worker thread of its own; each is bundled to `dist/<name>.js`.
 * Sources never look for each other's files: the command line resolves these and passes the paths in.
 */
export const entries = [
  'cli/main',
  'server/ingest/process',
  'server/deliver/process',
  'fleet/viewer-worker',
  'fleet/publisher-worker',
  'cli/run/figures-worker',
];

/** Scripts of pages: each is bundled whole, for a browser, to `dist/<name>.js`. */
export const browserEntries = ['server/player-page/browser/main'];
