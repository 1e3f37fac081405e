/** Which processes a target consists of, found in `/proc` (Linux). */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { type ProcessStat, parseDescriptorLimit, parseProcessStat } from '../../core/proc/process-stat.ts';
import { TCP_LISTEN, type TcpSocketVisitor, TcpTableReader } from '../../core/proc/tcp-table.ts';

/** A search that opens more than this has met a machine that it does not understand. */
const MAX_DESCRIPTORS_LOOKED_AT = 200_000;
const PIECE_BYTES = 256 * 1024;

/** Every TCP socket of this network namespace. @throws Error where there is no such table */
export function readTcpTables(visitor: TcpSocketVisitor): void {
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    let file: number;
    try {
      file = openSync(table, 'r');
    } catch (error) {
      // A machine without IPv6 has no second table.
      if (table.endsWith('6')) continue;
      throw error;
    }
    try {
      const reader = new TcpTableReader(visitor);
      for (;;) {
        const length = readSync(file, piece, 0, piece.length, null);
        if (length === 0) break;
        reader.push(piece.subarray(0, length));
      }
    } finally {
      closeSync(file);
    }
  }
}

/**
 * Processes that listen on one of the ports; those of a server with workers all do. This process is none of them.
 * @returns process ids; `hidden` where somebody listens and may not be looked at
 */
export function findListeners(ports: ReadonlySet<number>): { pids: number[]; hidden: boolean } {
  const inodes = new Set<number>();
  readTcpTables({
    socket: (localPort, _remotePort, state, _received, _sent, inode) => {
      if (state === TCP_LISTEN && ports.has(localPort)) inodes.add(inode);
    },
  });
  const pids: number[] = [];
  if (inodes.size === 0) return { pids, hidden: false };
  const links = new Set([...inodes].map((inode) => `socket:[${inode}]`));
  let looked = 0;
  for (const pid of allPids()) {
    if (pid === process.pid) continue;
    for (const descriptor of descriptorsOf(pid) ?? []) {
      if (++looked > MAX_DESCRIPTORS_LOOKED_AT) return { pids, hidden: true };
      if (!links.has(linkOf(pid, descriptor))) continue;
      pids.push(pid);
      break;
    }
  }
  return { pids, hidden: pids.length === 0 };
}

/** Ports that these processes listen on. */
export function listeningPorts(pids: readonly number[]): Set<number> {
  const links = new Set<string>();
  for (const pid of pids)
    for (const descriptor of (descriptorsOf(pid) ?? []).slice(0, MAX_DESCRIPTORS_LOOKED_AT)) {
      const link = linkOf(pid, descriptor);
      if (link.startsWith('socket:')) links.add(link);
    }
  const ports = new Set<number>();
  readTcpTables({
    socket: (localPort, _remotePort, state, _received, _sent, inode) => {
      if (state === TCP_LISTEN && links.has(`socket:[${inode}]`)) ports.add(localPort);
    },
  });
  return ports;
}

/** The processes themselves and all that come from them, as they are now. */
export function withDescendants(roots: readonly number[]): ProcessStat[] {
  const byParent = new Map<number, ProcessStat[]>();
  const byPid = new Map<number, ProcessStat>();
  for (const pid of allPids()) {
    const stat = statOf(pid);
    if (!stat) continue;
    byPid.set(pid, stat);
    const siblings = byParent.get(stat.parentPid);
    if (siblings) siblings.push(stat);
    else byParent.set(stat.parentPid, [stat]);
  }
  const found = new Map<number, ProcessStat>();
  const open = roots.flatMap((pid) => byPid.get(pid) ?? []);
  for (let stat = open.pop(); stat; stat = open.pop()) {
    if (found.has(stat.pid)) continue;
    found.set(stat.pid, stat);
    open.push(...(byParent.get(stat.pid) ?? []));
  }
  return [...found.values()];
}

/** `null`: it is gone. */
export function statOf(pid: number): ProcessStat | null {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return null;
  }
}

/** Names of the open descriptors; `null` where they may not be looked at. */
export function descriptorsOf(pid: number): string[] | null {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return null;
  }
}

/** How many descriptors a process may have open; `null`: not known, or as many as it likes. */
export function descriptorLimitOf(pid: number): number | null {
  try {
    return parseDescriptorLimit(readFileSync(`/proc/${pid}/limits`, 'latin1'));
  } catch {
    return null;
  }
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function linkOf(pid: number, descriptor: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    return '';
  }
}
