import os from 'node:os';
import type { Scenario } from '../../scenarios/schema.ts';
import type { FiguresWorkerData, TargetFiguresPlan } from './figures-worker.ts';
import type { RunPlan } from './plan-run.ts';

const defaultPorts: Readonly<Record<string, number>> = {
  'rtmp:': 1935,
  'rtmps:': 443,
  'http:': 80,
  'ws:': 80,
  'https:': 443,
  'wss:': 443,
};

/**
 * What is read beside the viewers. Where the scenario does not say it, the target is whoever listens on the ports of
 * those addresses that are this machine's.
 * @param wanted false: leave the target alone (`--no-target-figures`)
 * @param isLocal whether a host is this machine
 */
export function planFigures(
  scenario: Scenario,
  plan: RunPlan,
  wanted: boolean,
  isLocal: (host: string) => boolean = isThisMachine,
): FiguresWorkerData {
  const watched = plan.fleet.cohorts.flatMap((cohort) => cohort.streams.map(({ url }) => endpointOf(url)));
  const published = plan.publishers.publishers.map(({ url }) => endpointOf(url));
  const portsOf = (endpoints: readonly Endpoint[]) => [...new Set(endpoints.map(({ port }) => port))];
  const local = portsOf([...watched, ...published].filter(({ host }) => isLocal(host)));
  return { viewerPorts: portsOf(watched), target: wanted ? targetPlan(scenario, local) : null };
}

function targetPlan({ target }: Scenario, localPorts: readonly number[]): TargetFiguresPlan | null {
  const { pid, port, metrics } = typeof target === 'object' ? target : {};
  // A page of figures that was named says what the scenario wants to see: nothing is searched then.
  const ports = port !== undefined ? [port] : metrics === undefined ? localPorts : [];
  const plan: TargetFiguresPlan = {
    ...(pid !== undefined ? { pid } : ports.length > 0 && { ports }),
    ...(metrics !== undefined && { metrics }),
  };
  return Object.keys(plan).length > 0 ? plan : null;
}

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

function endpointOf(url: string): Endpoint {
  const { protocol, hostname, port } = new URL(url);
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (defaultPorts[protocol] ?? 0) : Number(port),
  };
}

function isThisMachine(host: string): boolean {
  const name = host.toLowerCase();
  if (
    name === 'localhost' ||
    name === '::1' ||
    name.startsWith('127.') ||
    name === os.hostname().toLowerCase()
  )
    return true;
  return Object.values(os.networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === name),
  );
}
