import type { GeneratorDoubt } from '../../metrics/shortage.ts';

/** What a sentence of `clients/socket-failure.ts` on a limit of this machine says was short. A test holds the two together. */
const limits = [
  {
    shortage: 'ports',
    says: /no free (local )?port|local address has no free port/,
    what: 'Local ports were short',
    remedy: 'let viewers start from more addresses, widen net.ipv4.ip_local_port_range, or use fewer viewers',
  },
  {
    shortage: 'file-descriptors',
    says: /too many open files/,
    what: 'File descriptors were short',
    remedy: 'raise the limit (ulimit -n), or use fewer viewers',
  },
  {
    shortage: 'memory',
    says: /(?:)/,
    what: 'Memory for sockets was short',
    remedy: 'use fewer viewers, or a machine with more memory',
  },
] as const;

/** Sessions that could not be made because this machine had no more of something. */
export class LostStarts {
  readonly #counts = new Map<(typeof limits)[number], number>();

  /** @param detail the sentence that the session ended with */
  add(detail: string): void {
    const limit = limits.find(({ says }) => says.test(detail))!;
    this.#counts.set(limit, (this.#counts.get(limit) ?? 0) + 1);
  }

  doubts(sessions: number): GeneratorDoubt[] {
    return [...this.#counts].map(([{ shortage, what, remedy }, count]) => ({
      shortage,
      sentence: `${what}: ${count} of ${sessions} sessions could not be made; ${remedy}.`,
    }));
  }
}
