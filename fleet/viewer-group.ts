import type { Viewer, ViewerOptions } from '../clients/viewer.ts';
import { Link } from '../core/link/link.ts';
import { type PlayerName, playerProfiles } from '../core/player/profile.ts';
import type { Series } from '../metrics/registry.ts';
import { isUndeterred } from './behaviour.ts';
import { chanceOf } from './chance.ts';
import { CohortRun, type CohortRunOptions, noViewer, type Session } from './cohort-run.ts';
import { type LoadEvent, shapeDurationMs } from './load-shape.ts';
import { type SessionLength, sessionLengthMs } from './session-length.ts';
import { isMine, type Share, shareOf } from './share.ts';
import { TimeQueue } from './time-queue.ts';
import { noStates, type ViewerStates } from './viewer-states.ts';

/**
 * An arrival that is later than this is not made at all: a burst of late starts would be another load than the one
 * that was asked for. It is counted in `dropped_starts`.
 */
const MAX_LATE_MS = 1_000;
/** What starts may take of one turn of the event loop, and what they may where the oldest is so late. A second with a lag of 50 ms is not believed. */
const TURN_MS = 8;
const LONG_TURN_MS = 25;
const BEHIND_MS = 100;
/** No part of a session is shorter, whatever a law's tail says: a zap each millisecond is no behaviour. */
const MIN_TURN_MS = 100;

/** Sets the draws of links apart from those of session lengths. */
const LINK_DRAW = 0x6c696e6b;

export interface ViewerGroupOptions extends CohortRunOptions {
  /** This worker's number from 0, and how many there are. */
  readonly worker: number;
  readonly workers: number;
  /** Tag of the figures about the generator. */
  readonly node: string;
  readonly createViewer: (options: ViewerOptions) => Viewer;
}

/** One worker's share of a fleet. It has no timers: whoever holds it calls `runDue` when `nextMs` comes, and `sweep` once a second. */
export class ViewerGroup {
  readonly #options: ViewerGroupOptions;
  readonly #share: Share;
  readonly #cohorts: CohortRun[];
  readonly #queue = new TimeQueue<Action>();
  readonly #sessions: Session[] = [];
  readonly #droppedStarts: Series;
  #lastSweepMs = 0;
  #stopped = false;

  constructor(options: ViewerGroupOptions) {
    const { plan, registry, node, worker, workers } = options;
    this.#options = options;
    this.#share = shareOf(plan.shard, worker, workers);
    this.#droppedStarts = registry.series('dropped_starts', { node });
    this.#cohorts = plan.cohorts.map((cohort, index) => new CohortRun(cohort, index, options, this.#share));
  }

  /** The run begins at `startMs` (clock time). */
  start(startMs: number): void {
    this.#lastSweepMs = startMs;
    for (const run of this.#cohorts) {
      run.startMs = startMs + run.cohort.startMs;
      this.#queueNextEvent(run);
      this.#queue.push(run.startMs + shapeDurationMs(run.cohort.shape), { kind: 'end', run });
    }
  }

  /** When something is due next (clock time); +Infinity: nothing any more. */
  get nextMs(): number {
    return this.#queue.nextMs;
  }

  /** Every cohort is over; or nobody is left in it and nobody will come, because all have failed. */
  get finished(): boolean {
    return (
      this.#stopped ||
      this.#cohorts.every((run) => run.over || (!run.eventToCome && run.toReturn === 0 && run.active === 0))
    );
  }

  /**
   * Makes the starts and stops that are due, for so long as others may wait: thousands at once would block the thread,
   * and the viewers that are there would seem late. Look at `nextMs` afterwards.
   *
   * A time and not a number of starts: on a thread with many viewers a turn of the event loop takes long, and a fixed
   * number of starts a turn would fall behind the schedule with it. Who is behind takes more.
   */
  runDue(nowMs: number): void {
    const { clock } = this.#options;
    const behindMs = nowMs - this.#queue.nextMs;
    const untilMs = nowMs + (behindMs > BEHIND_MS ? LONG_TURN_MS : TURN_MS);
    while (this.#queue.nextMs <= nowMs) {
      const dueMs = this.#queue.nextMs;
      const action = this.#queue.pop();
      if (action) this.#act(action, dueMs, nowMs);
      if (clock.nowMs() >= untilMs) return;
    }
  }

  /** Once a second: time limits, stalls in progress, latency and received bytes of every viewer. */
  sweep(nowMs: number): void {
    const elapsedMs = nowMs - this.#lastSweepMs;
    this.#lastSweepMs = nowMs;
    for (let index = this.#sessions.length - 1; index >= 0; index--) {
      const session = this.#sessions[index]!;
      const { viewer } = session;
      session.observer.doubtful = session.doubtful;
      viewer.sweep(nowMs);
      session.observer.doubtful = false;
      const { state, bytesReceived } = viewer;
      if (state !== 'stalled') session.doubtful = false;
      if (state === 'ended') {
        this.#remove(index);
        continue;
      }
      if (state === 'paused') session.inFlow = false;
      // Only seconds that a session was there for from beginning to end tell its bit rate.
      if (session.inFlow && elapsedMs > 0)
        session.observer.received(((bytesReceived - session.bytesAtSweep) * 8000) / elapsedMs);
      session.inFlow = state !== 'connecting' && state !== 'starting' && state !== 'paused';
      session.bytesAtSweep = bytesReceived;
    }
  }

  /**
   * Ends the second after its sweep.
   * @param valid false: this thread was too busy in it. Of a stall that is under way nobody knows whose it is, also
   * after that second: the rest of it is kept apart, too.
   */
  endSecond(eventLoopLagMs: number, valid = true): void {
    this.#droppedStarts.add(0);
    if (!valid) this.#doubtStalls();
    for (const run of this.#cohorts)
      for (const observer of run.observers) {
        observer.endSecond(this.#options.plan.clockBoundMs, eventLoopLagMs);
      }
  }

  #doubtStalls(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const run of this.#cohorts) for (const observer of run.observers) observer.doubtUntilMs = nowMs;
    for (const session of this.#sessions) session.doubtful = session.viewer.state === 'stalled';
  }

  /** All watchers leave, and nobody comes any more. */
  stop(): void {
    this.#stopped = true;
    this.#queue.clear();
    for (const { viewer } of this.#sessions) viewer.stop();
    this.#sessions.length = 0;
  }

  /** How many viewers are in which state now. */
  states(): ViewerStates {
    const states = noStates();
    for (const { viewer } of this.#sessions) states[viewer.state]++;
    return states;
  }

  /** Sessions under way by series, in the order of the plan's cohorts and streams. */
  active(): number[] {
    return this.#cohorts.flatMap((run) => run.observers.map((observer) => observer.active));
  }

  #act(action: Action, dueMs: number, nowMs: number): void {
    const { run } = action;
    switch (action.kind) {
      case 'event': {
        const { kind, index } = action.event;
        if (kind === 'stop') this.#leave(run.slots.get(index));
        else this.#arrive(run, index, 0, dueMs, nowMs);
        this.#queueNextEvent(run);
        return;
      }
      case 'leave': {
        const { session } = action;
        if (isUndeterred(run.cohort.behaviour)) run.toReturn--;
        if (session.left) return;
        const failed = session.viewer.state === 'ended' && !isUndeterred(run.cohort.behaviour);
        this.#leave(session);
        // The closed model keeps its number of viewers: where one leaves another comes. One that failed has given up.
        if (run.cohort.shape.kind === 'viewers' && !failed)
          this.#arrive(run, session.index, session.generation + 1, dueMs, nowMs);
        return;
      }
      case 'zap':
        run.toReturn--;
        if (!action.session.left) this.#zap(action.session, dueMs);
        return;
      case 'pause':
        if (!action.session.left) this.#pause(action.session, dueMs);
        return;
      case 'resume':
        if (!action.session.left) this.#resume(action.session, dueMs);
        return;
      case 'end':
        run.over = true;
        for (const session of this.#sessions) if (session.run === run) this.#leave(session);
    }
  }

  #arrive(run: CohortRun, index: number, generation: number, dueMs: number, nowMs: number): void {
    const { cohort } = run;
    if (cohort.shape.kind === 'arrivals' && (run.active >= run.maxViewers || nowMs - dueMs > MAX_LATE_MS)) {
      this.#droppedStarts.add(1);
      return;
    }
    const session: Session = { run, index, generation, turn: 0, stream: 0, ...noViewer };
    if (cohort.shape.kind === 'viewers') run.slots.set(index, session);
    this.#watch(session, run.choice.first(index, generation), dueMs);
    this.#queueTurn(session, dueMs);
    if (cohort.watch === null) return;
    const chance = chanceOf(this.#options.plan.seed, run.index, index, generation);
    if (isUndeterred(cohort.behaviour)) run.toReturn++;
    this.#queue.push(dueMs + sessionLengthMs(cohort.watch, chance), { kind: 'leave', run, session });
  }

  /** A viewer of the stream takes the session's seat. */
  #watch(session: Session, stream: number, intendedStartMs: number): void {
    const { run, index } = session;
    const { cohort } = run;
    const { clock, plan, createViewer } = this.#options;
    const { sourceAddresses } = plan;
    const observer = run.observers[stream]!;
    const viewer = createViewer({
      url: cohort.streams[stream]!.url,
      protocol: cohort.streams[stream]!.protocol,
      player: playerProfiles[cohort.player as PlayerName],
      clock,
      observer,
      intendedStartMs,
      ...(cohort.reconnect === undefined ? {} : { reconnect: cohort.reconnect }),
      ...(cohort.timeouts && { timeouts: cohort.timeouts }),
      ...(cohort.headers && { headers: cohort.headers }),
      ...(cohort.tls && { tls: cohort.tls }),
      ...(cohort.hls && { hls: cohort.hls }),
      ...(cohort.link && {
        link: new Link(cohort.link, this.#linkSeed(run, index, session.generation), intendedStartMs),
      }),
      ...(sourceAddresses && { localAddress: sourceAddresses[index % sourceAddresses.length]! }),
      ...run.only,
    });
    session.stream = stream;
    session.observer = observer;
    session.inFlow = false;
    session.doubtful = false;
    session.bytesAtSweep = 0;
    const listed = session.listed;
    session.viewer = viewer;
    session.listed = true;
    if (!listed) this.#sessions.push(session);
    observer.started();
    viewer.start();
  }

  /** What the cohort's behaviour has in store for a session that has begun, or has begun its next part. */
  #queueTurn(session: Session, nowMs: number): void {
    const { run } = session;
    const { behaviour } = run.cohort;
    if (behaviour?.kind === 'zapper') {
      run.toReturn++;
      this.#queue.push(nowMs + this.#turnMs(session, behaviour.every), { kind: 'zap', run, session });
    } else if (behaviour?.kind === 'pause-and-return')
      this.#queue.push(nowMs + this.#turnMs(session, behaviour.after), { kind: 'pause', run, session });
  }

  /** How long the next part of a session lasts. */
  #turnMs(session: Session, length: SessionLength): number {
    const { run, index, generation } = session;
    const chance = chanceOf(this.#options.plan.seed, run.index, index, generation, ++session.turn);
    return Math.max(MIN_TURN_MS, sessionLengthMs(length, chance));
  }

  /** To another stream: the session of the one ends, and another begins, whatever has become of the first. */
  #zap(session: Session, dueMs: number): void {
    const { run, index, generation, turn } = session;
    session.viewer.stop();
    this.#watch(session, run.choice.next(session.stream, index, generation, turn), dueMs);
    this.#queueTurn(session, dueMs);
  }

  #pause(session: Session, dueMs: number): void {
    const { run, viewer } = session;
    const { behaviour } = run.cohort;
    if (behaviour?.kind !== 'pause-and-return' || viewer.state === 'ended') return;
    viewer.pause(behaviour.return === 'reconnect' ? 'close' : 'keep');
    this.#queue.push(dueMs + this.#turnMs(session, behaviour.pause), { kind: 'resume', run, session });
  }

  #resume(session: Session, dueMs: number): void {
    const { run, viewer } = session;
    const { behaviour } = run.cohort;
    if (behaviour?.kind !== 'pause-and-return' || viewer.state === 'ended') return;
    viewer.resume(behaviour.return === 'live' ? 'live' : 'continue');
    this.#queueTurn(session, dueMs);
  }

  /** The same viewer of the same scenario has the same link, whichever worker runs it. */
  #linkSeed(run: CohortRun, index: number, generation: number): number {
    return Math.floor(chanceOf(this.#options.plan.seed ^ LINK_DRAW, run.index, index, generation) * 2 ** 32);
  }

  /** The watcher leaves; the sweep takes the session off the list. */
  #leave(session: Session | undefined): void {
    if (!session || session.left) return;
    session.left = true;
    session.observer.doubtful = session.doubtful;
    session.viewer.stop();
    session.observer.doubtful = false;
  }

  /** Takes a session out by moving the last one into its place. */
  #remove(index: number): void {
    this.#sessions[index]!.listed = false;
    const last = this.#sessions.pop()!;
    if (index < this.#sessions.length) this.#sessions[index] = last;
  }

  /** Each cohort has one event of its shape in the queue, the next one of this worker's share. */
  #queueNextEvent(run: CohortRun): void {
    for (;;) {
      const { value: event } = run.events.next();
      // Who would come in the very moment of the end does not come.
      run.eventToCome = event !== undefined && event.atMs < shapeDurationMs(run.cohort.shape);
      if (!event || !run.eventToCome) return;
      if (!isMine(event.index, this.#share)) continue;
      this.#queue.push(run.startMs + event.atMs, { kind: 'event', run, event });
      return;
    }
  }
}

type Action =
  | { readonly kind: 'event'; readonly run: CohortRun; readonly event: LoadEvent }
  | {
      readonly kind: 'leave' | 'zap' | 'pause' | 'resume';
      readonly run: CohortRun;
      readonly session: Session;
    }
  | { readonly kind: 'end'; readonly run: CohortRun };
