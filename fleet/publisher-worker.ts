/** Worker thread: all publishers of a run, apart from the viewers, so that neither can be late because of the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { createPublisher } from '../clients/create-publisher.ts';
import { systemClock } from '../clients/system-clock.ts';
import { Registry } from '../metrics/registry.ts';
import { SourceFactory } from './create-source.ts';
import { PublisherGroup } from './publisher-group.ts';
import type { PublishersPlan } from './publishers-plan.ts';
import { SecondTicker } from './second-ticker.ts';
import { SelfCheck, type WorkerSecond } from './self-check.ts';
import type { FromPublisherWorker, PublisherWorkerData, ToWorker } from './worker-messages.ts';

const port = parentPort;
if (!port) throw new Error('This file is started as a worker thread.');
const { plan, node } = workerData as PublisherWorkerData;

const registry = new Registry();
const check = new SelfCheck(systemClock, registry, node);
const sources = new SourceFactory(systemClock, plan.publishers.length);
const group = new PublisherGroup({
  plan,
  clock: systemClock,
  registry,
  createPublisher,
  createSource: (publisher) => sources.create(publisher),
  up: (stream) => post({ kind: 'up', stream }),
  retrying: (stream, { reason, detail }) => post({ kind: 'retrying', stream, reason, detail }),
  failed: (stream, { reason, detail }) => post({ kind: 'failed', stream, reason, detail }),
  fault: (fault) => post({ kind: 'fault', fault }),
});
const ticker = new SecondTicker(systemClock, (secondMs) => {
  group.sweep(systemClock.nowMs());
  postSecond(secondMs, check.endSecond());
  if (group.finished) post({ kind: 'finished' });
});
/** Ramps, churn and faults are as exact as this. */
const ADVANCE_MS = 20;
let advancing: NodeJS.Timeout | undefined;
let stopping = false;

function post(message: FromPublisherWorker): void {
  port?.postMessage(message);
}

function postSecond(secondMs: number, second: WorkerSecond | null): void {
  post({ kind: 'second', node, secondMs, points: registry.cut(secondMs), apart: [], check: second });
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  clearInterval(advancing);
  ticker.stop();
  check.stop();
  await group.stop();
  // What is left belongs to the second that has begun.
  postSecond(Math.ceil(systemClock.wallMs() / 1000) * 1000, null);
  post({ kind: 'finished' });
  port?.close();
}

function hasSchedule({ publishers, faults = [] }: PublishersPlan): boolean {
  return faults.length > 0 || publishers.some(({ startMs = 0, churn }) => startMs > 0 || churn);
}

port.on('message', (message: ToWorker) => {
  if (message.kind === 'stop') {
    void stop();
    return;
  }
  if (message.kind === 'schedule') {
    group.beginSchedule(systemClock.nowMs() + message.atWallMs - systemClock.wallMs());
    return;
  }
  group.start();
  check.start();
  ticker.start();
  if (hasSchedule(plan)) advancing = setInterval(() => group.advance(systemClock.nowMs()), ADVANCE_MS);
});
post({ kind: 'ready' });
