import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { Clock } from '../core/clock.ts';
import { type MachineCpu, parseMachineCpu, parseProcessStat } from '../core/proc/process-stat.ts';
import { TCP_ESTABLISHED, type TcpSocketVisitor } from '../core/proc/tcp-table.ts';
import type { Registry } from '../metrics/registry.ts';

/** What one second of the machine that generates the load was like, in cores. */
export interface MachineSecond {
  /** Wall-clock end of the second: a multiple of 1000. */
  readonly secondMs: number;
  readonly cores: number;
  /** Worked for this program. */
  readonly ownCores: number;
  /** Worked for other programs, the server under test among them where it runs here. */
  readonly otherCores: number;
  /** Taken away by the host of a virtual machine. */
  readonly stolenCores: number;
}

/** Counting the descriptors of thousands of sockets costs milliseconds. */
const DESCRIPTORS_EVERY_MS = 2_000;

/**
 * A look at the machine that generates the load: who has its processors, how many file descriptors are left, how many
 * bytes wait in the sockets. It is read on a thread that has no viewers. Elsewhere than on Linux it knows nothing.
 */
export class MachineCheck implements TcpSocketVisitor {
  readonly #clock: Clock;
  readonly #registry: Registry;
  readonly #ports: ReadonlySet<number>;
  readonly #limit = descriptorLimit();
  #machine: MachineCpu | null = null;
  #ownMs = 0;
  #lastMs = 0;
  #descriptorsAtMs = 0;
  #backlogBytes = 0;

  /** @param ports those of the servers that viewers connect to */
  constructor(clock: Clock, registry: Registry, ports: ReadonlySet<number>) {
    this.#clock = clock;
    this.#registry = registry;
    this.#ports = ports;
  }

  /** Ends a second; `null` where nothing is known of it. */
  endSecond(secondMs: number): MachineSecond | null {
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#descriptorsAtMs) this.#countDescriptors(nowMs);
    const machine = readMachine();
    const ownMs = readOwnCpu();
    const [last, lastOwnMs, elapsedMs] = [this.#machine, this.#ownMs, nowMs - this.#lastMs];
    this.#machine = machine;
    this.#ownMs = ownMs ?? 0;
    this.#lastMs = nowMs;
    if (last === null || machine === null || ownMs === null || elapsedMs <= 0) return null;
    const ownCores = (ownMs - lastOwnMs) / elapsedMs;
    return {
      secondMs,
      cores: (machine.totalMs - last.totalMs) / elapsedMs,
      ownCores,
      otherCores: Math.max(0, (machine.busyMs - last.busyMs) / elapsedMs - ownCores),
      stolenCores: (machine.stealMs - last.stealMs) / elapsedMs,
    };
  }

  /** Before the tables of sockets are read. */
  beginSockets(): void {
    this.#backlogBytes = 0;
  }

  socket(_localPort: number, remotePort: number, state: number, receiveQueueBytes: number): void {
    if (state === TCP_ESTABLISHED && this.#ports.has(remotePort)) this.#backlogBytes += receiveQueueBytes;
  }

  endSockets(): void {
    this.#registry.series('socket_backlog', { node: NODE }).add(this.#backlogBytes);
  }

  #countDescriptors(nowMs: number): void {
    this.#descriptorsAtMs = nowMs + DESCRIPTORS_EVERY_MS;
    const open = openDescriptors();
    if (open !== null && this.#limit !== null)
      this.#registry.series('fd_used_ratio', { node: NODE }).add(open / this.#limit);
  }
}

/** Tag of the figures that are the whole program's. */
export const NODE = 'generator';

function readMachine(): MachineCpu | null {
  try {
    return parseMachineCpu(readFileSync('/proc/stat', 'latin1'));
  } catch {
    return null;
  }
}

function readOwnCpu(): number | null {
  try {
    return parseProcessStat(readFileSync('/proc/self/stat', 'latin1'))?.cpuMs ?? null;
  } catch {
    return null;
  }
}

function openDescriptors(): number | null {
  try {
    // Since Linux 6.2 the size of the folder is their number.
    const { size } = statSync('/proc/self/fd');
    return size > 0 ? size : readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}

/** The soft limit; `null`: none, or not known. */
function descriptorLimit(): number | null {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return limit === undefined ? null : Number(limit);
  } catch {
    return null;
  }
}
