/**
 * The ingest process: started by the supervisor, told what to do over IPC, ends with its parent.
 */
import { pino } from 'pino';
import { childExit, type FromChild, type ToChild } from './messages.ts';
import type { Origin } from './origin.ts';
import type { OriginOptions } from './origin-options.ts';
import { checkVersion, installedVersion } from './pinned-version.ts';

const log = pino({ base: null }, pino.destination({ fd: 2, sync: true }));
let origin: Origin | null = null;

function tell(message: FromChild): void {
  // The parent may vanish at any time; `disconnect` then ends this process.
  if (process.connected) process.send?.(message, undefined, {}, () => {});
}

async function start(options: OriginOptions): Promise<void> {
  const fault = checkVersion(installedVersion());
  if (fault !== null) {
    giveUp('NMS_VERSION', fault);
    return;
  }
  // Only now: another version's files may not even be there.
  const { Origin } = await import('./origin.ts');
  origin = new Origin(options, log, (event) => tell({ kind: 'stream', event }));
  try {
    tell({ kind: 'ready', ...(await origin.start()) });
  } catch (error) {
    const { code = 'UNKNOWN', message } = error as NodeJS.ErrnoException;
    giveUp(code, message);
  }
}

function giveUp(code: string, message: string): void {
  process.send?.({ kind: 'failed', code, message } satisfies FromChild, undefined, {}, () =>
    process.exit(childExit.notStarted),
  );
}

async function stop(): Promise<void> {
  await origin?.stop();
  process.exit(childExit.stopped);
}

/** What nobody foresaw leaves an unknown state behind: this process ends and the supervisor starts a fresh one. */
function crash(error: unknown): void {
  log.fatal({ err: error }, 'unforeseen error: the ingest process ends');
  process.exit(childExit.crashed);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
process.on('disconnect', () => process.exit(childExit.stopped));
// Ctrl-C reaches the whole process group; when to stop is the parent's to say.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => void stop());
process.on('message', (message: ToChild) => {
  if (message.kind === 'start') {
    log.level = message.logLevel;
    void start(message.options);
  } else if (message.kind === 'stats' && origin !== null) {
    tell({ kind: 'stats', id: message.id, stats: origin.stats() });
  } else if (message.kind === 'stop') void stop();
});

if (process.send === undefined) {
  process.stderr.write('This file is the ingest process of "streamgauge serve" and is started by it.\n');
  process.exit(childExit.notStarted);
}
