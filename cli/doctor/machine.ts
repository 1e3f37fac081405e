import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import type { Check } from './check.ts';

/** Sockets that ten thousand viewers and a server beside them need. */
const comfortableFiles = 20_000;
/** Below this not even a hundred viewers and their reports fit. */
const leastFiles = 512;

export function checkNode(version = process.versions.node): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const supported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24;
  return supported
    ? { name: 'Node', level: 'ok', found: version }
    : {
        name: 'Node',
        level: 'limited',
        found: version,
        remedy: 'Supported are 20.19 and later, 22.12 and later, 24: others are not tested.',
      };
}

export function checkCores(): Check {
  const cores = os.availableParallelism();
  const gib = Math.round(os.totalmem() / 2 ** 30);
  const found = `${cores} cores, ${gib} GiB memory`;
  return cores < 2
    ? {
        name: 'Processor',
        level: 'limited',
        found,
        remedy: 'Server and viewers share one core here: take small loads, or test a server elsewhere.',
      }
    : { name: 'Processor', level: 'ok', found };
}

/** Soft limit of open files, from /proc (Linux); null where there is none. */
export function readFileLimit(
  limits = readOrNull('/proc/self/limits'),
): { soft: number; hard: number } | null {
  const fields = /^Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)/m.exec(limits ?? '');
  if (!fields) return null;
  const number = (word: string | undefined) =>
    word === 'unlimited' ? Number.POSITIVE_INFINITY : Number(word);
  return { soft: number(fields[1]), hard: number(fields[2]) };
}

export function checkFileLimit(limit = readFileLimit()): Check {
  const name = 'Open files';
  if (limit === null)
    return { name, level: 'ok', found: 'limit not readable on this system (ulimit -n tells)' };
  // Node raises the soft limit to the hard one when it starts; what counts is what this process has.
  const found = `up to ${limit.soft.toLocaleString('en')} for this process`;
  const remedy = `Each viewer is one open file: type "ulimit -n ${comfortableFiles}" before the start (as root, or raise "nofile" in /etc/security/limits.conf).`;
  if (limit.soft < leastFiles) return { name, level: 'lacking', found, remedy };
  return limit.soft < comfortableFiles
    ? { name, level: 'limited', found, remedy }
    : { name, level: 'ok', found };
}

/** How many connections one source address can make to one server port. */
export function checkEphemeralPorts(range = readOrNull('/proc/sys/net/ipv4/ip_local_port_range')): Check {
  const name = 'Source ports';
  const [first, last] = (range ?? '').trim().split(/\s+/).map(Number);
  if (first === undefined || last === undefined || !(last > first)) {
    return { name, level: 'ok', found: 'range not readable on this system' };
  }
  const count = last - first + 1;
  const found = `${count.toLocaleString('en')} (${first}–${last}): so many viewers to one server port`;
  return count < 10_000
    ? {
        name,
        level: 'limited',
        found,
        remedy: 'Type "sysctl -w net.ipv4.ip_local_port_range=\'1024 65535\'" as root for more.',
      }
    : { name, level: 'ok', found };
}

/** Whether the ports that `streamgauge serve` takes by default can be had. */
export async function checkPort(purpose: string, port: number): Promise<Check> {
  const name = `Port ${port}`;
  const free = await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
  return free
    ? { name, level: 'ok', found: `free for ${purpose}` }
    : {
        name,
        level: 'limited',
        found: `taken (${purpose} wants it by default)`,
        remedy: 'Give "streamgauge serve" another one; "run" chooses free ports by itself.',
      };
}

/** Latency across machines is as good as their clocks; on one machine there is only one. */
export function checkClock(): Check {
  const name = 'Clock';
  const sources = ['/run/systemd/timesync/synchronized', '/run/chrony/chronyd.pid', '/var/run/ntpd.pid'];
  if (sources.some((file) => readOrNull(file) !== null))
    return { name, level: 'ok', found: 'kept in step by a time service' };
  return {
    name,
    level: 'limited',
    found: 'no time service seen',
    remedy:
      'On one machine this does not matter; where publisher and viewer are apart, run chrony or systemd-timesyncd on both.',
  };
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
