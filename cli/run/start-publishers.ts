import { nobodyAnswered } from '../../clients/reason.ts';
import { systemClock } from '../../clients/system-clock.ts';
import type { PublisherFailure, Publishers } from '../../fleet/publishers.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { within } from './closing.ts';

const TIMED_OUT = 'timed out';

/**
 * Starts publishers and resolves when every stream is up. A server that is not there yet is waited for; streams that
 * begin later than the others are given the time.
 * @throws CommandError when one gives up or the limit is over: exit code 95 where nobody answered, else 1
 */
export async function startPublishers(publishers: Publishers, setupMs: number): Promise<void> {
  const count = publishers.awaited.length;
  const limitMs = setupMs + publishers.lastStartMs;
  let failure: PublisherFailure | null;
  try {
    failure = await within(publishers.start(systemClock.wallMs()), limitMs, TIMED_OUT);
  } catch (error) {
    if ((error as Error).message !== TIMED_OUT) throw error;
    failure = publishers.obstacle;
    if (failure === null) {
      const { awaited } = publishers;
      throw new CommandError(
        exitCodes.unexpectedFailure,
        `${awaited.length} of ${count} streams were not up after ${limitMs / 1000} s, "${awaited[0]}" among them.`,
      );
    }
  }
  if (failure === null) return;
  const { stream, reason, detail } = failure;
  throw new CommandError(
    nobodyAnswered.has(reason) ? exitCodes.unreachable : exitCodes.unexpectedFailure,
    `The stream "${stream}" could not be published: ${detail}`,
  );
}

/** Says the first obstacle of each kind while publishers try again; not each of hundreds. */
export function sayObstacles(say: (sentence: string) => void): (failure: PublisherFailure) => void {
  const said = new Set<string>();
  return ({ stream, reason, detail }) => {
    if (said.has(reason)) return;
    said.add(reason);
    say(`"${stream}" is not up yet and is tried again: ${detail}`);
  };
}
