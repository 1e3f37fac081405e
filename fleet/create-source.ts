import { FileSource } from '../clients/sources/file.ts';
import type { Source } from '../clients/sources/source.ts';
import { TestcardSource } from '../clients/sources/testcard.ts';
import { Ticker } from '../clients/sources/ticker.ts';
import type { Clock } from '../core/clock.ts';
import type { PublisherPlan } from './publishers-plan.ts';

/** Makes the media of publishers. What they can share (the recording, the timer) is made once. */
export class SourceFactory {
  readonly #clock: Clock;
  readonly #ticker: Ticker;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#ticker = new Ticker(clock);
  }

  /** @throws Error with one sentence when the media cannot be made */
  async create({ number, stream, source }: PublisherPlan): Promise<Source> {
    const { kind, width, height, fps, bitsPerSecond, gopMs } = source;
    if (kind === 'file')
      return new FileSource({
        file: source.path ?? '',
        publisher: number,
        clock: this.#clock,
        ticker: this.#ticker,
        gopMs,
      });
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
