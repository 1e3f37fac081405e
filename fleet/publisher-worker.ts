/** Worker thread: all publishers of a run, apart from the viewers, so that neither can be late because of the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { RtmpPublisher } from '../clients/rtmp-publisher.ts';
import { systemClock } from '../clients/system-clock.ts';
import { Registry } from '../metrics/registry.ts';
import { SourceFactory } from './create-source.ts';
import { PublisherGroup } from './publisher-group.ts';
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
  createPublisher: (options) => new RtmpPublisher(options),
  createSource: (publisher) => sources.create(publisher),
  up: (stream) => post({ kind: 'up', stream }),
  retrying: (stream, { reason, detail }) => post({ kind: 'retrying', stream, reason, detail }),
  failed: (stream, { reason, detail }) => post({ kind: 'failed', stream, reason, detail }),
});
const ticker = new SecondTicker(systemClock, (secondMs) => {
  group.sweep(systemClock.nowMs());
  postSecond(secondMs, check.endSecond());
  if (group.finished) post({ kind: 'finished' });
});
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
  ticker.stop();
  check.stop();
  await group.stop();
  // What is left belongs to the second that has begun.
  postSecond(Math.ceil(systemClock.wallMs() / 1000) * 1000, null);
  post({ kind: 'finished' });
  port?.close();
}

port.on('message', (message: ToWorker) => {
  if (message.kind === 'stop') {
    void stop();
    return;
  }
  group.start();
  check.start();
  ticker.start();
});
post({ kind: 'ready' });
