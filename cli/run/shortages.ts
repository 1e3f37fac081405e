import type { MachineSecond } from '../../fleet/machine-check.ts';
import type { WorkerSecond } from '../../fleet/self-check.ts';
import { type BusyCause, busyCauses, type GeneratorDoubt } from '../../metrics/shortage.ts';

/** One thread's seconds with one cause. */
interface Busy {
  seconds: number;
  cpu: number;
  lagMs: number;
}

/** Gathers the seconds in which threads were too busy, and says of each resource which was short, how much, and what helps. */
export class Shortages {
  readonly #busy = new Map<BusyCause, Map<string, Busy>>();
  #cores = 0;
  #otherCores = 0;
  #stolenCores = 0;

  /** @param node the thread: `viewers-1`, `publishers` */
  worker(node: string, { cause, seconds, cpu, eventLoopLagMs }: WorkerSecond): void {
    if (cause === null) return;
    let threads = this.#busy.get(cause);
    if (!threads) {
      threads = new Map();
      this.#busy.set(cause, threads);
    }
    const busy = threads.get(node) ?? { seconds: 0, cpu: 0, lagMs: 0 };
    busy.seconds += seconds;
    busy.cpu = Math.max(busy.cpu, cpu);
    busy.lagMs = Math.max(busy.lagMs, eventLoopLagMs);
    threads.set(node, busy);
  }

  machine({ cores, otherCores, stolenCores }: MachineSecond): void {
    this.#cores = Math.max(this.#cores, Math.round(cores));
    this.#otherCores = Math.max(this.#otherCores, otherCores);
    this.#stolenCores = Math.max(this.#stolenCores, stolenCores);
  }

  /** Invalid worker-seconds by cause. */
  seconds(): { [cause in BusyCause]?: number } {
    const seconds: { [cause in BusyCause]?: number } = {};
    for (const [cause, threads] of this.#busy) seconds[cause] = sum(threads);
    return seconds;
  }

  /** The most frequent first. */
  doubts(): GeneratorDoubt[] {
    return busyCauses
      .flatMap((shortage) => {
        const threads = this.#busy.get(shortage);
        if (!threads) return [];
        return [{ shortage, seconds: sum(threads), sentence: this.#sentence(shortage, threads) }];
      })
      .sort((a, b) => b.seconds - a.seconds)
      .map(({ shortage, sentence }) => ({ shortage, sentence }));
  }

  #sentence(cause: BusyCause, threads: ReadonlyMap<string, Busy>): string {
    const names = [...threads.keys()].sort();
    const who =
      names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
    const count = sum(threads);
    const when = `in ${count} ${count === 1 ? 'second' : 'seconds'}`;
    const worst = [...threads.values()].reduce((most, busy) => ({
      seconds: 0,
      cpu: Math.max(most.cpu, busy.cpu),
      lagMs: Math.max(most.lagMs, busy.lagMs),
    }));
    const lag = `${Math.round(worst.lagMs)} ms`;
    const onlyPublishers = names.every((name) => name === 'publishers');
    const less = onlyPublishers
      ? 'publish fewer streams, with "source: recording", or from another machine'
      : 'use more workers (options.workers), fewer viewers, or another machine';
    switch (cause) {
      case 'cpu':
        return `The processor was short: ${who} used up to ${Math.round(worst.cpu * 100)} % of a core ${when}; ${less}.`;
      case 'waiting-for-cpu':
        return `Processors were short: ${who} ${names.length === 1 ? 'was' : 'were'} ready to run and had to wait for one ${when}, up to ${lag}${this.#others()}; move the server or the other programs to another machine, or use fewer viewers.`;
      case 'garbage-collection':
        return `Collecting garbage held ${who} up ${when}, for up to ${lag}; ${less}.`;
      case 'memory':
        return `Memory was short: the heap of ${who} was nearly full ${when}, and collecting garbage held it up; ${less}.`;
      case 'blocked':
        return `One piece of its own work held the event loop of ${who} up ${when}, for up to ${lag}; ${less}, or let viewers come more slowly.`;
      case 'suspended':
        return `${who} neither ran nor waited for a processor ${when}, for up to ${lag}: the program or its machine was stopped, or it waited for a disk or for memory that was swapped out; use a machine of its own.`;
    }
  }

  #others(): string {
    if (this.#cores === 0) return '';
    const stolen =
      this.#stolenCores >= 0.1
        ? `, and the host of this virtual machine took ${this.#stolenCores.toFixed(1)} away`
        : '';
    return `, while other programs used up to ${this.#otherCores.toFixed(1)} of the ${this.#cores} cores${stolen}`;
  }
}

function sum(threads: ReadonlyMap<string, Busy>): number {
  let seconds = 0;
  for (const busy of threads.values()) seconds += busy.seconds;
  return seconds;
}
