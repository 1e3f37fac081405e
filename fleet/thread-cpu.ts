import { openSync, readSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/**
 * CPU time of the calling thread. The best source that there is: `process.threadCpuUsage` (Node 22.19, 24),
 * `/proc/thread-self/stat` (Linux), and else the time in which the event loop was not idle, which is no less.
 * @returns CPU milliseconds since some fixed moment, each time it is called
 */
export function threadCpuReader(): () => number {
  const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } };
  if (threadCpuUsage)
    return () => {
      const { user, system } = threadCpuUsage.call(process);
      return (user + system) / 1000;
    };
  const readMs = procStatReader();
  if (readMs) return readMs;
  return () => performance.eventLoopUtilization().active;
}

/** Linux counts in ticks of USER_HZ, which is 100 on every architecture that Node runs on. */
const TICK_MS = 10;

/** Opened once: a machine that runs out of file descriptors shall still see how busy it is. Ends with its thread. */
function procStatReader(): (() => number) | null {
  const line = Buffer.alloc(1024);
  let lastMs = 0;
  try {
    const file = openSync('/proc/thread-self/stat', 'r');
    const readMs = (): number => {
      const length = readSync(file, line, 0, line.length, 0);
      lastMs = parseProcStat(line.toString('latin1', 0, length)) ?? lastMs;
      return lastMs;
    };
    readMs();
    return readMs;
  } catch {
    return null;
  }
}

/** utime and stime of a stat line (proc(5): fields 14 and 15), in ms; `null` when it is none. */
export function parseProcStat(line: string): number | null {
  // Field 2, the name, may hold blanks and brackets: counting begins after its last closing one.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isFinite(ticks) ? ticks * TICK_MS : null;
}
