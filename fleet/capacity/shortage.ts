import type { Level, LoadKind, Shortage } from '../../metrics/capacity.ts';
import { MAX_CPU } from '../../metrics/verdict.ts';

/** From this share on a resource is called short. */
const SHORT = 0.85;
/** What a process that cannot use more than one core shows at most; the clock of the reading is not exact. */
const ONE_CORE = 1.05;

/**
 * Which resource had run out while a level was held. A server that uses nearly one core is short of CPU, as most
 * media servers work on one thread; one that uses several is short when nearly all cores are used. Where starts failed
 * and it never had as many connections as there were to be viewers, it turns some away: a limit of its configuration.
 * @param level `server` has `cpu` (1 is one core), `cpus`, `rssBytes`, `memoryBytes`, `fdUsedRatioMax`, `socketsMax`; what
 *   is not known is left out
 * @param kind what `level.load` counts
 * @returns null when nothing was short, or nothing could be read
 */
export function findShortage(
  { server, generator, load, figures }: Pick<Level, 'server' | 'generator' | 'load' | 'figures'>,
  kind: LoadKind,
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
  const files = read('fdUsedRatioMax');
  if (files !== null && files >= SHORT)
    return of('server', 'open files', files, `The server had ${percent(files)} of its open files in use.`);
  const sockets = read('socketsMax');
  if (kind === 'viewers' && sockets !== null && sockets < load && (figures.startFailureRatio ?? 0) > 0)
    return of(
      'server',
      'connections',
      1,
      `The server never had more than ${count(sockets)} connections for ${count(load)} viewers: it turns the others away, as a limit in its configuration does.`,
    );
  if (!generator.valid && generator.cpu !== null && generator.cpu > MAX_CPU)
    return of(
      'generator',
      'CPU',
      generator.cpu,
      `The load generator's busiest thread was at ${percent(generator.cpu)} of a core.`,
    );
  return null;
}

function of(whose: Shortage['of'], resource: string, used: number, sentence: string): Shortage {
  return { of: whose, resource, used: Math.min(1, used), sentence };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function count(amount: number): string {
  return Math.round(amount).toLocaleString('en-US');
}
