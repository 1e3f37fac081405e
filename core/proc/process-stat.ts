/** What `/proc/PID/stat` (proc(5)) says of one process. */
export interface ProcessStat {
  readonly pid: number;
  readonly parentPid: number;
  /** The program's name as the kernel knows it: at most 15 characters. */
  readonly name: string;
  /** User and system time of all its threads. */
  readonly cpuMs: number;
  readonly threads: number;
  /** Since the machine's start: tells a process from a later one with the same number. */
  readonly startTicks: number;
}

/** Linux counts in ticks of USER_HZ, which is 100 on every architecture that Node runs on. */
const TICK_MS = 10;

/** @returns `null` for text that is no such line */
export function parseProcessStat(line: string): ProcessStat | null {
  // Field 2, the name, may hold blanks and brackets: counting begins after its last closing one.
  const open = line.indexOf('(');
  const close = line.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const fields = line.slice(close + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  const stat = {
    pid: Number(line.slice(0, open)),
    parentPid: field(4),
    name: line.slice(open + 1, close),
    cpuMs: (field(14) + field(15)) * TICK_MS,
    threads: field(20),
    startTicks: field(22),
  };
  const { pid, parentPid, cpuMs, threads, startTicks } = stat;
  return [pid, parentPid, cpuMs, threads, startTicks].every(Number.isFinite) ? stat : null;
}

/** Resident memory from `/proc/PID/status` (`VmRSS:  1234 kB`), in bytes; `null` where it says none (a kernel thread). */
export function parseResidentBytes(status: string): number | null {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

/** Soft limit of open files from `/proc/PID/limits`; `null` where there is none. */
export function parseDescriptorLimit(limits: string): number | null {
  const soft = /^Max open files +(\d+) /m.exec(limits)?.[1];
  return soft === undefined ? null : Number(soft);
}

/** CPU time of a machine since its start, all processors together, from the first line of `/proc/stat`. */
export interface MachineCpu {
  readonly busyMs: number;
  /** Taken by the host from this virtual machine. */
  readonly stealMs: number;
  readonly totalMs: number;
}

/** @returns `null` for text that has no such line */
export function parseMachineCpu(text: string): MachineCpu | null {
  const line = /^cpu +(.*)$/m.exec(text)?.[1];
  if (line === undefined) return null;
  // user nice system idle iowait irq softirq steal; guest time is in user already.
  const ticks = line.split(' ').slice(0, 8).map(Number);
  if (ticks.length < 8 || !ticks.every(Number.isFinite)) return null;
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = ticks;
  const busy = user + nice + system + irq + softirq;
  return {
    busyMs: busy * TICK_MS,
    stealMs: steal * TICK_MS,
    totalMs: (busy + idle + iowait + steal) * TICK_MS,
  };
}
