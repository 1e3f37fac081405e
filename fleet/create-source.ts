import type { Source } from '../clients/sources/source.ts';
import { TestcardSource } from '../clients/sources/testcard.ts';
import type { Clock } from '../core/clock.ts';
import type { PublisherPlan } from './publishers-plan.ts';

/** Makes the media of publishers. What they can share (the recording, the timer) is made once. */
export class SourceFactory {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws Error with one sentence when the media cannot be made */
  async create({ number, stream, source }: PublisherPlan): Promise<Source> {
    const { kind, width, height, fps, bitsPerSecond, gopMs } = source;
    if (kind !== 'testcard')
      throw new Error(`sources of the kind ${kind} are not carried out by this version`);
    return new TestcardSource({
      parameters: { width, height, fps, bitsPerSecond, gopMs },
      publisher: number,
      clock: this.#clock,
      label: stream,
    });
  }
}
