import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** The repository's top folder. */
export function repositoryRoot(): string {
  return root;
}

/** Path of a bundled entry, e.g. `builtEntry('server/ingest/process')`; the entries are listed in `cli/entries.mjs`. */
export function builtEntry(entry: string): string {
  return path.join(root, 'dist', `${entry}.js`);
}
