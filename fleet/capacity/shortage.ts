import type { Shortage } from '../../metrics/capacity.ts';
import type { GeneratorSummary, ServerSummary } from '../../metrics/summary.ts';
import { MAX_CPU } from '../../metrics/verdict.ts';

/** From this share on a resource is called short. */
const SHORT = 0.85;
/** What a process that cannot use more than one core shows at most; the clock of the reading is not exact. */
const ONE_CORE = 1.05;

/**
 * Which resource had run out while a level was held. A server that uses nearly one core is short of CPU, as most
 * media servers work on one thread; one that uses several is short when nearly all cores are used.
 * @param server its figures: `cpu` (1 is one core), `cpus`, `rssBytes`, `memoryBytes`; what is not known is left out
 * @returns null when nothing was short, or nothing could be read
 */
export function findShortage(
  server: ServerSummary,
  generator: Pick<GeneratorSummary, 'cpu' | 'valid'>,
): Shortage | null {
  const read = (name: string): number | null => {
    const value = server[name];
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
  };
  const cpu = read('cpu');
  const cpus = read('cpus');
  if (cpu !== null && cpu >= SHORT && cpu <= ONE_CORE)
    return of('server', 'CPU', cpu, `The server's CPU was at ${percent(cpu)} of a core.`);
  if (cpu !== null && cpus !== null && cpu / cpus >= SHORT)
    return of('server', 'CPU', cpu / cpus, `The server used ${percent(cpu / cpus)} of all ${cpus} cores.`);
  const rss = read('rssBytes');
  const memory = read('memoryBytes');
  if (rss !== null && memory !== null && rss / memory >= SHORT)
    return of('server', 'memory', rss / memory, `The server used ${percent(rss / memory)} of the memory.`);
  if (!generator.valid && generator.cpu !== null && generator.cpu > MAX_CPU)
    return of(
      'generator',
      'CPU',
      generator.cpu,
      `The load generator's busiest thread was at ${percent(generator.cpu)} of a core.`,
    );
  return null;
}

/** Whether anything could be read of the server at all. */
export function isServerKnown(server: ServerSummary): boolean {
  return typeof server['cpu'] === 'number';
}

function of(whose: Shortage['of'], resource: string, used: number, sentence: string): Shortage {
  return { of: whose, resource, used: Math.min(1, used), sentence };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
