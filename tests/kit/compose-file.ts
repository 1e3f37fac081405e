import { readFile } from 'node:fs/promises';
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
 * What differs between a service in its container and the same command here, and nothing else does:
 * names of services in URLs and the word 0.0.0.0 become 127.0.0.1, the ports of the file become the given ones, /app the repository.
 */
export function placeHere(
  word: string,
  services: readonly string[],
  ports: Readonly<Record<number, number>>,
): string {
  const here = (port: string): string => String(ports[Number(port)] ?? port);
  if (/^\d+$/.test(word)) return here(word);
  if (word === '0.0.0.0') return '127.0.0.1';
  const inUrl = new RegExp(`(?<=//|@)(?:${services.join('|')}|127\\.0\\.0\\.1)(?::(\\d+))?(?=$|/)`);
  return word
    .replace(/^\/app\//, `${repositoryRoot()}/`)
    .replace(inUrl, (_, port?: string) => (port === undefined ? '127.0.0.1' : `127.0.0.1:${here(port)}`));
}
