// Bundles the TypeScript sources to dist/, when they are newer than the last build. Run as a script, or call `buildIfStale`.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { browserEntries, entries } from '../entries.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const dist = path.join(root, 'dist');
const marker = path.join(dist, '.built');
const sourceFolders = [
  'core',
  'ffmpeg',
  'metrics',
  'clients',
  'fleet',
  'server',
  'probes',
  'sinks',
  'scenarios',
  'dashboards',
  'web',
  'cli',
];

/** Newest modification time (ms) of the sources that go into dist/; 0 when there are none (an installed package). */
function newestSourceMs() {
  let newest = 0;
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) visit(file);
      else if (/\.(ts|mjs|css|html)$/.test(entry.name) && !entry.name.endsWith('.test.ts'))
        newest = Math.max(newest, statSync(file).mtimeMs);
    }
  };
  for (const folder of sourceFolders) if (existsSync(path.join(root, folder))) visit(path.join(root, folder));
  return Math.max(newest, statSync(path.join(root, 'package-lock.json')).mtimeMs);
}

export function isStale() {
  return !existsSync(marker) || statSync(marker).mtimeMs < newestSourceMs();
}

/** A checkout in the middle of a change, or that of a test, need not have every entry. */
const isThere = (entry) => existsSync(path.join(root, `${entry}.ts`));

/**
 * Bundles every entry. Each file is swapped in whole, and pieces of earlier builds stay for a day: a process that
 * was started from them can still load its lazy parts after a rebuild.
 */
export async function build() {
  const startedMs = Date.now();
  const { build: bundle } = await import('esbuild');
  const present = entries.filter(isThere);
  const { outputFiles } = await bundle({
    absWorkingDir: root,
    entryPoints: present.map((entry) => `${entry}.ts`),
    outdir: dist,
    outbase: '.',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: 'linked',
    chunkNames: 'chunks/[name]-[hash]',
    loader: { '.css': 'text', '.html': 'text' },
    logLevel: 'warning',
    write: false,
  });
  const pages = await bundle({
    absWorkingDir: root,
    entryPoints: browserEntries.filter(isThere).map((entry) => `${entry}.ts`),
    outdir: dist,
    outbase: '.',
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'warning',
    write: false,
  });
  for (const { path: file, contents } of [...outputFiles, ...pages.outputFiles]) writeWhole(file, contents);
  removeOldChunks(new Set(outputFiles.map(({ path: file }) => file)));
  writeWhole(marker, '');
  // The marker carries the time at which the sources were read: an edit made during the build makes it stale.
  utimesSync(marker, startedMs / 1000, startedMs / 1000);
}

function writeWhole(file, contents) {
  mkdirSync(path.dirname(file), { recursive: true });
  const next = `${file}.${process.pid}`;
  writeFileSync(next, contents);
  renameSync(next, file);
}

function removeOldChunks(current) {
  const chunks = path.join(dist, 'chunks');
  if (!existsSync(chunks)) return;
  for (const name of readdirSync(chunks)) {
    const file = path.join(chunks, name);
    const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (!current.has(file) && age > 24 * 3_600_000) rmSync(file, { force: true });
  }
}

export async function buildIfStale() {
  if (!isStale()) return false;
  await build();
  return true;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await build();
