/**
 * The child's side: started by a supervisor, told what to do over IPC, ends with its parent.
 */
import { type Logger, pino } from 'pino';
import { type ChildTypes, childExit, type FromChild, type ToChild } from './messages.ts';

/** What a child does, once it has started. */
export interface Role<T extends ChildTypes> {
  readonly ready: T['ready'];
  stats(): T['stats'];
  /** Says goodbye and returns when all is closed; the process then ends. */
  stop(): Promise<void>;
  note?(note: T['note']): void;
}

/**
 * @param name `ingest`, in log lines
 * @param start rejects with a one-sentence message, and a `code`, when it cannot
 */
export function runChild<T extends ChildTypes>(
  name: string,
  start: (options: T['options'], log: Logger, tell: (event: T['event']) => void) => Promise<Role<T>>,
): void {
  const log = pino({ base: null }, pino.destination({ fd: 2, sync: true }));
  let role: Role<T> | null = null;
  const early: T['note'][] = [];

  /** What nobody foresaw leaves an unknown state behind: this process ends and the supervisor starts a fresh one. */
  const crash = (error: unknown) => {
    log.fatal({ err: error }, `unforeseen error: the ${name} process ends`);
    process.exit(childExit.crashed);
  };
  const stop = async () => {
    await role?.stop();
    process.exit(childExit.stopped);
  };
  const begin = async (options: T['options']) => {
    try {
      role = await start(options, log, (event) => say<T>({ kind: 'event', event }));
    } catch (error) {
      const { code = 'UNKNOWN', message } = error as NodeJS.ErrnoException;
      process.send?.({ kind: 'failed', code, message } satisfies FromChild<T>, undefined, {}, () =>
        process.exit(childExit.notStarted),
      );
      return;
    }
    say<T>({ kind: 'ready', ready: role.ready });
    for (const note of early.splice(0)) role.note?.(note);
  };

  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  process.on('disconnect', () => process.exit(childExit.stopped));
  // Ctrl-C reaches the whole process group; when to stop is the parent's to say.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => void stop());
  process.on('message', (message: ToChild<T>) => {
    if (message.kind === 'start') {
      log.level = message.logLevel;
      void begin(message.options);
    } else if (message.kind === 'note') {
      if (role === null) early.push(message.note);
      else role.note?.(message.note);
    } else if (message.kind === 'stats' && role !== null) {
      say<T>({ kind: 'stats', id: message.id, stats: role.stats() });
    } else if (message.kind === 'stop') void stop();
  });

  if (process.send === undefined) {
    process.stderr.write(`This file is the ${name} process of "streamgauge serve" and is started by it.\n`);
    process.exit(childExit.notStarted);
  }
}

function say<T extends ChildTypes>(message: FromChild<T>): void {
  // The parent may vanish at any time; `disconnect` then ends the process.
  if (process.connected) process.send?.(message, undefined, {}, () => {});
}
