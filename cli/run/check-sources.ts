import { statSync } from 'node:fs';
import { testcardParameters } from '../../clients/sources/testcard-parameters.ts';
import type { PublisherPlan } from '../../fleet/publishers-plan.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { isUrl } from './plan-run.ts';

/**
 * Looks at what publishers are to publish before anything is started.
 * @throws CommandError (invalid scenario) with one sentence: a file that is not there, a picture that cannot be made
 */
export function checkSources(publishers: readonly PublisherPlan[]): void {
  for (const { source } of publishers) {
    const sentence = source.path === undefined ? wrongTestcard(source) : wrongFile(source.path);
    if (sentence !== null) throw new CommandError(exitCodes.invalidScenario, sentence);
  }
}

function wrongFile(file: string): string | null {
  if (isUrl(file)) return null;
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) return `There is no file "${file}" to publish.`;
  return found.isFile() ? null : `"${file}" is not a file that could be published.`;
}

function wrongTestcard({ width, height, fps, bitsPerSecond, gopMs }: PublisherPlan['source']): string | null {
  try {
    testcardParameters({ width, height, fps, bitsPerSecond, gopMs });
    return null;
  } catch (error) {
    return `${(error as Error).message}.`;
  }
}
