/**
 * One life of a child process: from the fork to its exit. It knows nothing of restarts.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Logger } from 'pino';
import type { ChildTypes, FromChild, ToChild } from './messages.ts';

/** A child process could not start, or does not answer. `code` is stable, the message is one sentence. */
export class ChildError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'ChildError';
    this.code = code;
  }
}

const startTimeoutMs = 15_000;
const statsTimeoutMs = 2_000;

export interface ChildOptions<T extends ChildTypes> {
  /** `ingest`: in sentences, and in capitals before the codes of errors. */
  readonly name: string;
  /** Path of its bundled entry. */
  readonly entry: string;
  readonly options: T['options'];
  readonly log: Logger;
  readonly event: (event: T['event']) => void;
}

export class Child<T extends ChildTypes> {
  /** Settles when it listens, or has failed to. */
  readonly ready: Promise<T['ready']>;
  /** Resolves when the process has ended and all it wrote has been read; never rejects. */
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #asked = new Map<number, (stats: T['stats']) => void>();
  #lastId = 0;

  constructor({ name, entry, options, log, event }: ChildOptions<T>) {
    this.#name = name;
    // No arguments of Node's are passed on (--inspect would take a port that is in use), and nothing on stdout.
    this.#process = fork(entry, [], {
      execArgv: [],
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#process.on('error', (error) => log.error({ err: error }, `the ${name} process cannot be reached`));
    relayLog(this.#process, name, log);
    this.ended = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => resolve({ code, signal }));
    });
    this.ready = this.#untilReady(event);
    // Who waits only for the end must not be struck down by a failed start.
    this.ready.catch(() => {});
    this.#send({ kind: 'start', options, logLevel: log.level });
  }

  get pid(): number | null {
    return this.#process.pid ?? null;
  }

  tell(note: T['note']): void {
    this.#send({ kind: 'note', note });
  }

  /** @throws ChildError when it does not answer */
  stats(): Promise<T['stats']> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#asked.delete(id);
        reject(this.#error('SILENT', 'does not answer.'));
      };
      const timer = setTimeout(giveUp, statsTimeoutMs);
      this.#asked.set(id, (stats) => {
        clearTimeout(timer);
        this.#asked.delete(id);
        resolve(stats);
      });
      this.#send({ kind: 'stats', id });
    });
  }

  /** Asks it to end, insists after a time limit, and returns when it has ended. */
  async stop(timeoutMs: number): Promise<void> {
    this.#send({ kind: 'stop' });
    const insist = setTimeout(() => this.#process.kill('SIGKILL'), timeoutMs);
    await this.ended;
    clearTimeout(insist);
  }

  #error(code: string, what: string): ChildError {
    return new ChildError(`${this.#name.toUpperCase()}_${code}`, `The ${this.#name} process ${what}`);
  }

  #send(message: ToChild<T>): void {
    // It may have ended just now; then `ended` says so.
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  #untilReady(event: (event: T['event']) => void): Promise<T['ready']> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(this.#error('SLOW', `was not ready after ${startTimeoutMs / 1_000} s.`));
        this.#process.kill('SIGKILL');
      }, startTimeoutMs);
      this.#process.on('message', (message: FromChild<T>) => {
        if (message.kind === 'stats') this.#asked.get(message.id)?.(message.stats);
        else if (message.kind === 'event') event(message.event);
        else {
          clearTimeout(timer);
          if (message.kind === 'ready') resolve(message.ready);
          else reject(new ChildError(message.code, message.message));
        }
      });
      this.#process.once('close', (code, signal) => {
        clearTimeout(timer);
        reject(this.#error('DIED', `ended at its start (${signal ?? `exit code ${code}`}).`));
      });
    });
  }
}

const levels: Readonly<Record<number, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** The child's log lines are pino's JSON on its stderr; anything else there is Node's last words. */
function relayLog(child: ChildProcess, name: string, log: Logger): void {
  if (child.stderr === null) return;
  createInterface({ input: child.stderr }).on('line', (line) => {
    try {
      const { level, time: _time, msg, ...fields } = JSON.parse(line);
      log[levels[level] ?? 'error'](fields, msg);
    } catch {
      log.error({ stderr: line }, `the ${name} process wrote`);
    }
  });
}
