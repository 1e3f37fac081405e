import { cp, mkdir, mkdtemp, readFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { repositoryRoot } from './built-entry.ts';

export interface ComposeService {
  image?: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
}

/** The services of docker-compose.yml. */
export async function readCompose(): Promise<Record<string, ComposeService>> {
  const text = await readFile(path.join(repositoryRoot(), 'docker-compose.yml'), 'utf8');
  // Compose files use YAML 1.1's merge keys.
  return (parse(text, { merge: true }) as { services: Record<string, ComposeService> }).services;
}

/** The instructions of the Dockerfile: name and the rest of the line, continued lines joined. */
export async function readDockerfile(): Promise<[instruction: string, text: string][]> {
  const text = await readFile(path.join(repositoryRoot(), 'Dockerfile'), 'utf8');
  return text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => /^[A-Z]+ /.test(line))
    .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1).trim()]);
}

/**
 * Lays out what the image of the Dockerfile's last stage holds under /app, in a new folder, by its own COPY lines: what it
 * forgets to copy is missing here too. In particular there are no sources, so the launcher neither installs nor builds.
 * Only node_modules is a link, to the one of the repository.
 */
export async function layOutImage(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-image-'));
  for (const [instruction, text] of await readDockerfile()) {
    const [, source, target] = /^--from=build \/app\/(\S+) \.\/(\S*)$/.exec(text) ?? [];
    if (instruction !== 'COPY' || source === undefined || target === undefined) continue;
    const from = path.join(repositoryRoot(), source);
    const to = path.join(
      folder,
      target === '' || target.endsWith('/') ? target + path.basename(source) : target,
    );
    await mkdir(path.dirname(to), { recursive: true });
    if (source === 'node_modules') await symlink(from, to);
    else await cp(from, to, { recursive: true });
  }
  return folder;
}

/**
 * What differs between a service in its container and the same command here, and nothing else does:
 * names of services in URLs and the word 0.0.0.0 become 127.0.0.1, the ports of the file become the given ones, /app the folder that stands for it.
 */
export function placeHere(
  word: string,
  services: readonly string[],
  ports: Readonly<Record<number, number>>,
  app: string,
): string {
  const here = (port: string): string => String(ports[Number(port)] ?? port);
  if (/^\d+$/.test(word)) return here(word);
  if (word === '0.0.0.0') return '127.0.0.1';
  const inUrl = new RegExp(`(?<=//|@)(?:${services.join('|')}|127\\.0\\.0\\.1)(?::(\\d+))?(?=$|/)`);
  return word
    .replace(/^\/app\//, `${app}/`)
    .replace(inUrl, (_, port?: string) => (port === undefined ? '127.0.0.1' : `127.0.0.1:${here(port)}`));
}
