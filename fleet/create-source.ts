import { setTimeout as delay } from 'node:timers/promises';
import { FileSource } from '../clients/sources/file.ts';
import { recordTestcard } from '../clients/sources/record-testcard.ts';
import { type Recording, readRecording } from '../clients/sources/recording.ts';
import { RecordingSource } from '../clients/sources/recording-source.ts';
import type { Source } from '../clients/sources/source.ts';
import { TestcardSource } from '../clients/sources/testcard.ts';
import { Ticker } from '../clients/sources/ticker.ts';
import { TimeWheel } from '../clients/sources/time-wheel.ts';
import type { Clock } from '../core/clock.ts';
import type { PublisherPlan, SourcePlan } from './publishers-plan.ts';

/** Makes the media of publishers. What they can share (recordings, the timer) is made once. */
export class SourceFactory {
  readonly #clock: Clock;
  readonly #ticker: Ticker;
  readonly #wheel: TimeWheel;
  readonly #publishers: number;
  readonly #startMs: number;
  /** By their parameters; encoded when the first publisher wants one. */
  readonly #recordings = new Map<string, Promise<Recording>>();

  constructor(clock: Clock, publishers: number) {
    this.#clock = clock;
    this.#ticker = new Ticker(clock);
    this.#wheel = new TimeWheel(clock);
    this.#startMs = clock.nowMs();
    this.#publishers = publishers;
  }

  /** @throws Error with one sentence when the media cannot be made */
  async create({ number, stream, source }: PublisherPlan): Promise<Source> {
    const shared = { publisher: number, clock: this.#clock };
    const { width, height, fps, bitsPerSecond, gopMs } = source;
    switch (source.kind) {
      case 'testcard': {
        const parameters = { width, height, fps, bitsPerSecond, gopMs };
        return new TestcardSource({ parameters, publisher: number, clock: this.#clock, label: stream });
      }
      case 'file':
        return new FileSource({ ...shared, ticker: this.#ticker, file: source.path ?? '', gopMs });
      case 'recording': {
        const recording = await this.#recording(source);
        // Every one begins with a key picture, and keeps its phase: spread over a group of pictures, they never all
        // send theirs at once, however they come (together, by a ramp, again).
        await delay(this.#untilPhaseMs(((number - 1) / this.#publishers) * gopMs, gopMs));
        return new RecordingSource({ ...shared, wheel: this.#wheel, recording });
      }
    }
  }

  #untilPhaseMs(phaseMs: number, gopMs: number): number {
    const intoMs = (this.#clock.nowMs() - this.#startMs) % gopMs;
    return (phaseMs - intoMs + gopMs) % gopMs;
  }

  #recording({ width, height, fps, bitsPerSecond, gopMs }: SourcePlan): Promise<Recording> {
    const parameters = { width, height, fps, bitsPerSecond, gopMs };
    const key = JSON.stringify(parameters);
    let recording = this.#recordings.get(key);
    if (!recording) {
      recording = recordTestcard(parameters).then((flv) => readRecording(flv, 'the recorded test card'));
      this.#recordings.set(key, recording);
    }
    return recording;
  }
}
