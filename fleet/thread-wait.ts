import { openSync, readSync } from 'node:fs';

/**
 * How long the calling thread was ready to run while others had the processors: the second number of
 * `/proc/thread-self/schedstat` (Linux, Documentation/scheduler/sched-stats).
 * @returns milliseconds since the thread's start each time it is called; `null` where the system does not tell
 */
export function threadWaitReader(): () => number | null {
  const line = Buffer.alloc(128);
  let file: number;
  try {
    // Opened once: a machine that runs out of file descriptors shall still see why it is late. Ends with its thread.
    file = openSync('/proc/thread-self/schedstat', 'r');
  } catch {
    return () => null;
  }
  return () => {
    try {
      return parseSchedstat(line.toString('latin1', 0, readSync(file, line, 0, line.length, 0)));
    } catch {
      return null;
    }
  };
}

/** Waiting time in ms from `ran waited slices`, the first two in ns; `null` for other text. */
export function parseSchedstat(line: string): number | null {
  const waited = /^\d+ (\d+) \d+\s*$/.exec(line)?.[1];
  return waited === undefined ? null : Number(waited) / 1e6;
}
