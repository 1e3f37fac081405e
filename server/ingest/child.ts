/**
 * One life of the ingest process: from the fork to its exit. It knows nothing of restarts.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Logger } from 'pino';
import type { FromChild, ToChild } from './messages.ts';
import type { OriginOptions } from './origin-options.ts';
import type { IngestStats, StreamEvent } from './stats.ts';

/** The ingest process could not start, or does not answer. `code` is stable, the message is one sentence. */
export class IngestError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'IngestError';
    this.code = code;
  }
}

export interface Ports {
  readonly rtmpPort: number;
  readonly httpPort: number;
}

const startTimeoutMs = 15_000;
const statsTimeoutMs = 2_000;

export class IngestChild {
  /** Settles when it listens, or has failed to. */
  readonly ready: Promise<Ports>;
  /** Resolves when the process has ended and all it wrote has been read; never rejects. */
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  readonly #process: ChildProcess;
  readonly #asked = new Map<number, (stats: IngestStats) => void>();
  #lastId = 0;

  constructor(entry: string, options: OriginOptions, log: Logger, streamEvent: (event: StreamEvent) => void) {
    // No arguments of Node's are passed on (--inspect would take a port that is in use), and nothing on stdout.
    this.#process = fork(entry, [], {
      execArgv: [],
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#process.on('error', (error) => log.error({ err: error }, 'the ingest process cannot be reached'));
    relayLog(this.#process, log);
    this.ended = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => resolve({ code, signal }));
    });
    this.ready = this.#untilReady(streamEvent);
    // Who waits only for the end must not be struck down by a failed start.
    this.ready.catch(() => {});
    this.#send({ kind: 'start', options, logLevel: log.level });
  }

  get pid(): number | null {
    return this.#process.pid ?? null;
  }

  /** @throws IngestError when it does not answer */
  stats(): Promise<IngestStats> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#asked.delete(id);
        reject(new IngestError('INGEST_SILENT', 'The ingest process does not answer.'));
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

  #send(message: ToChild): void {
    // It may have ended just now; then `ended` says so.
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  #untilReady(streamEvent: (event: StreamEvent) => void): Promise<Ports> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new IngestError(
            'INGEST_SLOW',
            `The ingest process was not ready after ${startTimeoutMs / 1_000} s.`,
          ),
        );
        this.#process.kill('SIGKILL');
      }, startTimeoutMs);
      this.#process.on('message', (message: FromChild) => {
        if (message.kind === 'stats') this.#asked.get(message.id)?.(message.stats);
        else if (message.kind === 'stream') streamEvent(message.event);
        else {
          clearTimeout(timer);
          if (message.kind === 'ready') resolve({ rtmpPort: message.rtmpPort, httpPort: message.httpPort });
          else reject(new IngestError(message.code, message.message));
        }
      });
      this.#process.once('close', (code, signal) => {
        clearTimeout(timer);
        reject(
          new IngestError(
            'INGEST_DIED',
            `The ingest process ended at its start (${signal ?? `exit code ${code}`}).`,
          ),
        );
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
function relayLog(child: ChildProcess, log: Logger): void {
  if (child.stderr === null) return;
  createInterface({ input: child.stderr }).on('line', (line) => {
    try {
      const { level, time: _time, msg, ...fields } = JSON.parse(line);
      log[levels[level] ?? 'error'](fields, msg);
    } catch {
      log.error({ stderr: line }, 'the ingest process wrote');
    }
  });
}
