/**
 * Worker thread: figures of the target and of the machine, once a second, beside the viewers' threads and the main one.
 * Neither is in the way of the other: reading the sockets of thousands of viewers takes tens of milliseconds.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../clients/system-clock.ts';
import { MachineCheck, type MachineSecond } from '../../fleet/machine-check.ts';
import { SecondTicker } from '../../fleet/second-ticker.ts';
import { type Point, Registry } from '../../metrics/registry.ts';
import { addFigures, type FiguresSource } from '../../probes/target/figures.ts';
import { LocalTarget } from '../../probes/target/local-target.ts';
import { readTcpTables } from '../../probes/target/processes.ts';
import { PrometheusTarget } from '../../probes/target/prometheus-target.ts';

export interface FiguresWorkerData {
  /** Ports of the servers that viewers connect to. */
  readonly viewerPorts: readonly number[];
  /** Where figures of the target are read; `null`: nowhere. */
  readonly target: TargetFiguresPlan | null;
}

export interface TargetFiguresPlan {
  /** On this machine: its process, or the ports that it listens on. */
  readonly pid?: number;
  readonly ports?: readonly number[];
  /** Address of a Prometheus page. */
  readonly metrics?: string;
}

export type FromFiguresWorker =
  | {
      readonly kind: 'second';
      readonly secondMs: number;
      readonly points: readonly Point[];
      readonly machine: MachineSecond | null;
      /** What the target's figures were read from. */
      readonly sources: readonly string[];
    }
  /** One sentence for people: what cannot be read. */
  | { readonly kind: 'complaint'; readonly sentence: string };

const port = parentPort;
if (!port) throw new Error('This file is started as a worker thread.');
const { viewerPorts, target } = workerData as FiguresWorkerData;

/** Thousands of sockets: after reading them this many times what it took is waited, 2 % of a core at most. */
const PAUSE_FACTOR = 50;

const registry = new Registry();
const machine = new MachineCheck(systemClock, registry, new Set(viewerPorts));
const sources = sourcesOf(target);
let socketsAtMs = 0;
const ticker = new SecondTicker(systemClock, (secondMs) => void endSecond(secondMs));
let busy = false;

function post(message: FromFiguresWorker): void {
  port?.postMessage(message);
}

function sourcesOf(plan: TargetFiguresPlan | null): FiguresSource[] {
  if (plan === null) return [];
  const { pid, ports, metrics } = plan;
  return [
    ...(pid === undefined && ports === undefined
      ? []
      : [new LocalTarget({ ...(pid === undefined ? { ports: ports ?? [] } : { pid }) })]),
    ...(metrics === undefined ? [] : [new PrometheusTarget(metrics)]),
  ];
}

async function endSecond(secondMs: number): Promise<void> {
  // A page that takes longer than a second: its figures belong to the second in which they come.
  if (busy) return;
  busy = true;
  const nowMs = systemClock.nowMs();
  const known: string[] = [];
  for (const source of sources) {
    const figures = await source.sample(nowMs);
    addFigures(registry, { node: source.node }, figures);
    if (Object.keys(figures).length > 0) known.push(source.description);
    const sentence = source.complaint();
    if (sentence !== null) post({ kind: 'complaint', sentence });
  }
  lookAtSockets();
  const second = machine.endSecond(secondMs);
  post({ kind: 'second', secondMs, points: registry.cut(secondMs), machine: second, sources: known });
  busy = false;
}

function lookAtSockets(): void {
  const startedMs = systemClock.nowMs();
  if (startedMs < socketsAtMs || viewerPorts.length === 0) return;
  machine.beginSockets();
  try {
    readTcpTables(machine);
  } catch {
    socketsAtMs = Number.POSITIVE_INFINITY;
    return;
  }
  machine.endSockets();
  const nowMs = systemClock.nowMs();
  socketsAtMs = nowMs + Math.max(900, PAUSE_FACTOR * (nowMs - startedMs) - 100);
}

port.once('message', () => {
  ticker.stop();
  port.close();
});
ticker.start();
