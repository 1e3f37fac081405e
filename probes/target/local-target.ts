import { readFileSync } from 'node:fs';
import { type ProcessStat, parseResidentBytes } from '../../core/proc/process-stat.ts';
import { TCP_ESTABLISHED } from '../../core/proc/tcp-table.ts';
import type { FiguresSource, TargetFigures } from './figures.ts';
import {
  descriptorLimitOf,
  descriptorsOf,
  findListeners,
  listeningPorts,
  readTcpTables,
  statOf,
  withDescendants,
} from './processes.ts';
import { ByteRates, readConnectionBytes } from './socket-bytes.ts';

export interface LocalTargetOptions {
  /** The process; its children belong to it. */
  readonly pid?: number;
  /** Or: whoever listens on one of these. */
  readonly ports?: readonly number[];
}

/** Children that came, servers that were started anew: looked for this often. */
const REFRESH_MS = 5_000;
/** Tables of thousands of sockets are not free: after reading them this many times what it took is waited. */
const PAUSE_FACTOR = 40;

/**
 * A target on this machine, read from `/proc`.
 *
 *     port ─► inode of the listening socket ─► /proc/PID/fd ─► PID ─► its children ─► stat, status, fd
 */
export class LocalTarget implements FiguresSource {
  readonly node = 'target';
  readonly #options: LocalTargetOptions;
  #ports: ReadonlySet<number>;
  #roots: readonly number[] = [];
  #members: ProcessStat[] = [];
  /** CPU time of each process at the last look; a process is its number and its start. */
  readonly #cpuMs = new Map<string, number>();
  readonly #rates = new ByteRates();
  #lastMs = 0;
  #refreshAtMs = 0;
  #costlyAtMs = 0;
  #bytesAtMs = 0;
  #complaint: string | null = null;
  readonly #told = new Set<string>();

  constructor(options: LocalTargetOptions) {
    this.#options = options;
    this.#ports = new Set(options.ports ?? []);
  }

  get description(): string {
    const [first] = this.#members;
    if (!first) return 'no process';
    const others = this.#members.length - 1;
    return `${first.name} (process ${first.pid}${others === 0 ? '' : ` and ${others} more`})`;
  }

  complaint(): string | null {
    const complaint = this.#complaint;
    this.#complaint = null;
    return complaint;
  }

  async sample(nowMs: number): Promise<TargetFigures> {
    // One that ended may have left children behind that are a server no more.
    const ended = this.#roots.some((root) => statOf(root) === null);
    if (ended || nowMs >= this.#refreshAtMs) this.#refresh(nowMs);
    const cpuFigures = this.#processFigures(nowMs);
    if (cpuFigures === null) {
      // All of it is gone: who listens now?
      this.#refreshAtMs = Math.min(this.#refreshAtMs, nowMs + 1000);
      return {};
    }
    return { ...cpuFigures, ...this.#costlyFigures(nowMs), ...(await this.#byteRates(nowMs)) };
  }

  #refresh(nowMs: number): void {
    this.#refreshAtMs = nowMs + REFRESH_MS;
    const { pid } = this.#options;
    if (pid !== undefined) {
      this.#roots = statOf(pid) ? [pid] : [];
      if (this.#roots.length === 0) this.#complain(`There is no process ${pid}: no figures of the target.`);
    } else {
      this.#roots = this.#roots.filter((root) => statOf(root) !== null);
      if (this.#roots.length === 0) this.#search();
    }
    this.#members = withDescendants(this.#roots).filter((member) => member.pid !== process.pid);
    if (this.#options.ports === undefined)
      this.#ports = listeningPorts(this.#members.map((member) => member.pid));
  }

  #search(): void {
    const ports = [...this.#ports].join(', ');
    try {
      const { pids, hidden } = findListeners(this.#ports);
      this.#roots = pids;
      if (hidden)
        this.#complain(
          `Who listens on port ${ports} of this machine cannot be seen by this user: no figures of the target. Run as the same user, or give its process with target.pid.`,
        );
      else if (pids.length === 0)
        this.#complain(`No process of this machine listens on port ${ports}: no figures of the target.`);
    } catch (error) {
      this.#complain(
        `This machine does not show its processes (${(error as Error).message}): no figures of the target.`,
      );
    }
  }

  /** CPU, memory and threads: cheap however many sockets there are. `null`: no process lives. */
  #processFigures(nowMs: number): TargetFigures | null {
    let [cpuMs, rssBytes, threads, living] = [0, 0, 0, 0];
    for (const { pid, startTicks } of this.#members) {
      const stat = statOf(pid);
      if (!stat || stat.startTicks !== startTicks) continue;
      living++;
      threads += stat.threads;
      rssBytes += residentBytes(pid) ?? 0;
      const key = `${pid}:${startTicks}`;
      cpuMs += stat.cpuMs - (this.#cpuMs.get(key) ?? stat.cpuMs);
      this.#cpuMs.set(key, stat.cpuMs);
    }
    const elapsedMs = nowMs - this.#lastMs;
    const first = this.#lastMs === 0;
    this.#lastMs = nowMs;
    if (living === 0) return null;
    return { ...(first || elapsedMs <= 0 ? {} : { cpu: cpuMs / elapsedMs }), rssBytes, threads };
  }

  #costlyFigures(nowMs: number): TargetFigures {
    if (nowMs < this.#costlyAtMs) return {};
    const startedMs = performance.now();
    let sockets = 0;
    try {
      readTcpTables({
        socket: (localPort, _remotePort, state) => {
          if (state === TCP_ESTABLISHED && this.#ports.has(localPort)) sockets++;
        },
      });
    } catch {
      return {};
    }
    let fds: number | null = 0;
    let fdUsedRatio = 0;
    for (const { pid } of this.#members) {
      const descriptors = descriptorsOf(pid);
      fds = descriptors === null || fds === null ? null : fds + descriptors.length;
      const limit = descriptorLimitOf(pid);
      if (descriptors !== null && limit !== null)
        fdUsedRatio = Math.max(fdUsedRatio, descriptors.length / limit);
    }
    this.#costlyAtMs = nowMs + pauseAfter(performance.now() - startedMs);
    return {
      ...(this.#ports.size > 0 ? { sockets } : {}),
      ...(fds === null ? {} : { fds }),
      ...(fdUsedRatio > 0 ? { fdUsedRatio } : {}),
    };
  }

  async #byteRates(nowMs: number): Promise<TargetFigures> {
    if (nowMs < this.#bytesAtMs || this.#ports.size === 0) return {};
    // One question at a time.
    this.#bytesAtMs = Number.POSITIVE_INFINITY;
    const startedMs = performance.now();
    const connections = await readConnectionBytes(this.#ports);
    if (connections === null) {
      this.#complain('The program "ss" (iproute2) does not work here: bytes of the target are not known.');
      return {};
    }
    const tookMs = performance.now() - startedMs;
    this.#bytesAtMs = nowMs + pauseAfter(tookMs);
    return this.#rates.next(connections, nowMs + tookMs) ?? {};
  }

  #complain(sentence: string): void {
    if (this.#told.has(sentence)) return;
    this.#told.add(sentence);
    this.#complaint = sentence;
  }
}

/** Less than the second that the ticker has, so that a look is not skipped for a millisecond. */
function pauseAfter(tookMs: number): number {
  return Math.max(900, PAUSE_FACTOR * tookMs - 100);
}

function residentBytes(pid: number): number | null {
  try {
    return parseResidentBytes(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return null;
  }
}
