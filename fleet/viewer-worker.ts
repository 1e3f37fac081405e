/** Worker thread: this thread's share of a fleet's viewers. It shares its thread with nothing else, least of all a server. */
import { parentPort, workerData } from 'node:worker_threads';
import { createViewer } from '../clients/create-viewer.ts';
import { systemClock } from '../clients/system-clock.ts';
import { Registry } from '../metrics/registry.ts';
import type { SessionRecord } from '../metrics/summary.ts';
import { SecondTicker } from './second-ticker.ts';
import { divideSecond, SelfCheck } from './self-check.ts';
import { ViewerGroup } from './viewer-group.ts';
import type { FromViewerWorker, ToWorker, ViewerWorkerData } from './worker-messages.ts';

const port = parentPort;
if (!port) throw new Error('This file is started as a worker thread.');
const { plan, worker, workers, node } = workerData as ViewerWorkerData;

const registry = new Registry();
/** Stalls that began in a second that was not valid: their rest is not believed either. */
const doubted = new Registry();
const check = new SelfCheck(systemClock, registry, node);
let sessions: SessionRecord[] = [];
const group = new ViewerGroup({
  plan,
  worker,
  workers,
  node,
  clock: systemClock,
  registry,
  apart: doubted,
  createViewer,
  session: (record) => sessions.push(record),
});
const ticker = new SecondTicker(systemClock, endSecond);
let pacing: NodeJS.Timeout | NodeJS.Immediate | null = null;
let over = false;

function post(message: FromViewerWorker): void {
  port?.postMessage(message);
}

/** Makes what is due, and sleeps until more is. */
function pace(): void {
  group.runDue(systemClock.nowMs());
  const { nextMs } = group;
  const waitMs = nextMs - systemClock.nowMs();
  if (over || nextMs === Number.POSITIVE_INFINITY) pacing = null;
  // Sockets get their turn between one batch and the next.
  else if (waitMs <= 0) pacing = setImmediate(pace);
  else pacing = setTimeout(pace, Math.min(waitMs, MAX_TIMEOUT_MS));
  if (group.finished && !over) finish();
}

/** The longest time that a timer of Node can wait. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

function endSecond(secondMs: number): void {
  group.sweep(systemClock.nowMs());
  // After the sweep, so that its own weight is seen.
  const second = check.endSecond();
  group.endSecond(second.eventLoopLagMs, second.valid);
  postSecond(secondMs, second);
  if (group.finished && !over) finish();
}

function postSecond(secondMs: number, second: ReturnType<SelfCheck['endSecond']> | null): void {
  const { kept, apart } = divideSecond(registry.cut(secondMs), second?.valid ?? true);
  const ended = sessions;
  sessions = [];
  post({
    kind: 'second',
    node,
    secondMs,
    points: kept,
    apart: [...apart, ...doubted.cut(secondMs)],
    check: second,
    sessions: ended,
    states: group.states(),
    active: group.active(),
  });
}

function finish(): void {
  over = true;
  ticker.stop();
  check.stop();
  group.stop();
  // What is left belongs to the second that has begun.
  postSecond(Math.ceil(systemClock.wallMs() / 1000) * 1000, null);
  post({ kind: 'finished' });
}

port.on('message', (message: ToWorker) => {
  if (message.kind === 'start') {
    const waitMs = message.atWallMs - systemClock.wallMs();
    group.start(systemClock.nowMs() + waitMs);
    check.start();
    ticker.start();
    pace();
    return;
  }
  if (!over) finish();
  if (pacing && 'hasRef' in pacing) clearTimeout(pacing as NodeJS.Timeout);
  port.close();
});
post({ kind: 'ready' });
