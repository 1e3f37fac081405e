/**
 * Keeps a child process alive: starts it, starts it anew when it dies (same ports, back-off with jitter), and stops it.
 */
import { type Logger, pino } from 'pino';
import { backOffMs } from './back-off.ts';
import { Child, ChildError } from './child.ts';
import type { ChildTypes } from './messages.ts';

export interface SupervisorOptions<T extends ChildTypes> {
  /** `ingest`: in log lines, and in capitals before the codes of errors. */
  readonly name: string;
  /** Path of the bundled entry. */
  readonly entry: string;
  readonly options: T['options'];
  /** Nothing is logged without one. */
  readonly log?: Logger | undefined;
  readonly event?: (event: T['event']) => void;
  /** It listens, for the first time or again: what it was told before is lost. */
  readonly started?: () => void;
  /** It died, and will be started anew; or it was stopped. */
  readonly ended?: () => void;
  /** How long a stop may take before the process is killed. Default 5,000. */
  readonly stopTimeoutMs?: number | undefined;
  readonly random?: (() => number) | undefined;
}

/** A process that lived this long was well: its death starts the back-off from the beginning. */
const wellAfterMs = 30_000;
const defaultStopTimeoutMs = 5_000;

export class Supervisor<T extends ChildTypes> {
  readonly #settings: SupervisorOptions<T>;
  readonly #log: Logger;
  #options: T['options'];
  #child: Child<T> | null = null;
  #restartTimer: NodeJS.Timeout | null = null;
  #attempt = 0;
  #stopping = false;
  /** How often it had to be started anew. */
  restarts = 0;

  constructor(settings: SupervisorOptions<T>) {
    this.#settings = settings;
    this.#log = settings.log ?? pino({ level: 'silent' });
    this.#options = settings.options;
  }

  /** What it is started with: after the first start with the ports that it has. */
  get options(): T['options'] {
    return this.#options;
  }

  /** Of the process that lives now; null between two. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /**
   * Returns when it listens.
   * @throws ChildError when it cannot start
   */
  async start(): Promise<void> {
    const child = this.#launch();
    // The same ports for every later life: the URLs that were given out stay true.
    this.#options = { ...this.#options, ...(await child.ready) };
    void this.#watch(child, performance.now());
    this.#settings.started?.();
  }

  /** Lost while it is down: `started` is the time to say it all again. */
  tell(note: T['note']): void {
    this.#child?.tell(note);
  }

  /** @throws ChildError while it is down */
  async stats(): Promise<T['stats']> {
    const { name } = this.#settings;
    if (this.#child === null)
      throw new ChildError(`${name.toUpperCase()}_DOWN`, `The ${name} process is being restarted.`);
    return this.#child.stats();
  }

  /** Ends it within a time limit. May be called twice. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer);
    await this.#child?.stop(this.#settings.stopTimeoutMs ?? defaultStopTimeoutMs);
  }

  #launch(): Child<T> {
    const { name, entry, event } = this.#settings;
    const child = new Child<T>({
      name,
      entry,
      options: this.#options,
      log: this.#log,
      event: (said) => event?.(said),
    });
    this.#child = child;
    return child;
  }

  async #watch(child: Child<T>, startedMs: number): Promise<void> {
    const { code, signal } = await child.ended;
    this.#child = null;
    this.#settings.ended?.();
    if (this.#stopping) return;
    if (performance.now() - startedMs > wellAfterMs) this.#attempt = 0;
    const random = this.#settings.random ?? Math.random;
    const waitMs = Math.round(backOffMs(this.#attempt++, random()));
    this.#log.error({ code, signal, restartInMs: waitMs }, `the ${this.#settings.name} process died`);
    this.#restartTimer = setTimeout(() => void this.#restart(), waitMs);
  }

  async #restart(): Promise<void> {
    const { name, started } = this.#settings;
    this.restarts++;
    const child = this.#launch();
    void this.#watch(child, performance.now());
    try {
      const ready = await child.ready;
      this.#log.info({ ports: ready, restarts: this.restarts }, `the ${name} process is back`);
      started?.();
    } catch (error) {
      // It ends now, which brings the next attempt.
      this.#log.error({ message: (error as Error).message }, `the ${name} process could not be restarted`);
    }
  }
}

/** An IPv6 address stands in brackets; what listens everywhere is reached on loopback. */
export function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
