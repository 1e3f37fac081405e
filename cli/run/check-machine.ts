import { readFileSync } from 'node:fs';
import net from 'node:net';
import { mostViewers } from '../../fleet/load-shape.ts';
import type { FleetCohort } from '../../fleet/plan.ts';
import { shardPortion } from '../../fleet/share.ts';
import { readFileLimit } from '../doctor/machine.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { RunPlan } from './plan-run.ts';

/**
 * What this machine must have for a run, looked at before the first process is started: a run that dies of its own
 * limits after ten minutes helps nobody.
 */

/**
 * Throws a `CommandError` (invalid configuration) where the run cannot be on this machine; says what may become a
 * trouble, and what cannot be known here.
 */
export async function checkMachine(plan: RunPlan, say: (sentence: string) => void): Promise<void> {
  const limit = readFileLimit();
  const needed = neededFiles(plan);
  if (limit === null && needed > 1_000)
    say(
      `The limit of open files cannot be read on this system; the run needs ${needed} ("ulimit -n" tells).`,
    );
  const lack = lackOfFiles(needed, limit);
  if (lack !== null) throw new CommandError(exitCodes.invalidScenario, `${lack}.`);
  const { sourceAddresses = [] } = plan.fleet;
  const unusable = await unusableAddress(sourceAddresses);
  if (unusable !== null)
    throw new CommandError(
      exitCodes.invalidScenario,
      `options.sourceAddresses: nothing can connect from ${unusable.address} here (${unusable.code}); name addresses that this machine has ("ip address" lists them).`,
    );
  for (const sentence of lackOfPorts(plan, parsePortRange(readOrNull(PORT_RANGE)))) say(sentence);
}

const PORT_RANGE = '/proc/sys/net/ipv4/ip_local_port_range';

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** Open files of a process apart from its viewers' sockets: code, stores, reports, other sinks, event loops of threads. */
const OTHER_FILES = 128;
const FILES_PER_WORKER = 16;
/** An HLS viewer keeps one or two connections open, and a third while it changes servers. */
const SOCKETS_PER_HLS_VIEWER = 3;

/** Descriptors that the run's process needs at its height. Publishers run in the same process. */
export function neededFiles({ fleet, publishers, workers }: RunPlan): number {
  const sockets = fleet.cohorts.reduce(
    (sum, cohort) => sum + shardPortion(mostViewers(cohort.shape), fleet.shard) * socketsPerViewer(cohort),
    0,
  );
  return sockets + 4 * publishers.publishers.length + OTHER_FILES + FILES_PER_WORKER * workers;
}

function socketsPerViewer({ streams }: FleetCohort): number {
  return streams.some(({ protocol }) => protocol === 'hls') ? SOCKETS_PER_HLS_VIEWER : 1;
}

export interface FileLimit {
  readonly soft: number;
  readonly hard: number;
}

/**
 * Why the run cannot be, with the command that mends it; `null` when it can, as far as can be known.
 * Node raises its soft limit to the hard one when it starts, so what a shell's `ulimit -n` says counts only where it
 * lowers both: the hard limit is what must be raised.
 */
export function lackOfFiles(needed: number, limit: FileLimit | null): string | null {
  if (limit === null || needed <= limit.soft) return null;
  const wanted = Math.ceil(needed / 1000) * 1000;
  const have = `This process may have ${limit.soft} open files, and the run needs ${needed} (a socket for each viewer, and some)`;
  return needed <= limit.hard
    ? `${have}; type "ulimit -n ${wanted}" and start it again`
    : `${have}; type "sudo prlimit --pid $$ --nofile=${wanted}:${wanted}" and start it again from that shell (in Docker: --ulimit nofile=${wanted})`;
}

/** One address and one port: so many connections can go there from one address of this machine. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** What /proc/sys/net/ipv4/ip_local_port_range says; `null`: nothing that is understood. */
export function parsePortRange(text: string | null): PortRange | null {
  const [first, last] = (text ?? '').trim().split(/\s+/).map(Number);
  return first !== undefined && last !== undefined && last > first ? { first, last } : null;
}

/** A sentence for each server address that more viewers want than there are local ports. */
export function lackOfPorts({ fleet }: RunPlan, range: PortRange | null): string[] {
  if (range === null) return [];
  const viewers = new Map<string, number>();
  for (const { shape, streams } of fleet.cohorts) {
    const each = shardPortion(mostViewers(shape), fleet.shard) / streams.length;
    for (const { url } of streams) {
      const where = addressOf(url);
      viewers.set(where, (viewers.get(where) ?? 0) + each);
    }
  }
  const ports = range.last - range.first + 1;
  const sources = fleet.sourceAddresses?.length ?? 1;
  return [...viewers]
    .filter(([, count]) => count > ports * sources)
    .map(([where, count]) => {
      const from = sources === 1 ? 'one source address has' : `${sources} source addresses have`;
      return `${Math.round(count)} viewers of ${where} want a local port each, and ${from} ${ports * sources} (${range.first} to ${range.last}): name ${Math.ceil(count / ports)} addresses of this machine in options.sourceAddresses, or type "sudo sysctl -w net.ipv4.ip_local_port_range='1024 65535'".`;
    });
}

/** `host:port`, where a URL leads. */
function addressOf(url: string): string {
  // A scheme of its own kind, so that a URL of any protocol keeps its port.
  const { protocol, hostname, port } = new URL(url);
  return `${hostname}:${port || (defaultPorts[protocol] ?? 80)}`;
}

const defaultPorts: Readonly<Record<string, number>> = {
  'rtmp:': 1935,
  'rtmps:': 443,
  'https:': 443,
  'wss:': 443,
};

/** The first of the addresses that nothing can be bound to here, with the system's word for why; `null`: all can. */
export async function unusableAddress(
  addresses: readonly string[],
): Promise<{ address: string; code: string } | null> {
  for (const address of addresses) {
    const code = await bindingTo(address);
    if (code !== null) return { address, code };
  }
  return null;
}

function bindingTo(host: string): Promise<string | null> {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port: 0 }, () => server.close(() => resolve(null)));
  });
}
