import type { PublisherFailure } from '../../fleet/publishers.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';

/** Reasons of a publisher that mean that nobody answered at the address. */
const nobodyAnswered: ReadonlySet<string> = new Set([
  'refused',
  'connect-timeout',
  'dns',
  'first-byte-timeout',
]);

/** A stream that could not be published in the first place. */
export function publishingFailed({ stream, reason, detail }: PublisherFailure): CommandError {
  const exitCode = nobodyAnswered.has(reason) ? exitCodes.unreachable : exitCodes.unexpectedFailure;
  return new CommandError(exitCode, `The stream "${stream}" could not be published: ${detail}`);
}
