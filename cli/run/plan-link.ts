import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { linkPresets } from '../../core/link/presets.ts';
import type { LinkCut, LinkProfile, LinkTrace } from '../../core/link/profile.ts';
import { parseTrace, TraceError } from '../../core/link/trace-file.ts';
import type { Scenario, ScenarioLink } from '../../scenarios/schema.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';

/**
 * Looks at the links of a scenario before anything is started.
 * @throws CommandError (invalid scenario), as `planLink` does
 */
export function checkLinks({ viewers }: Scenario, folder: string): void {
  for (const { link } of viewers) if (link !== undefined) planLink(link, folder);
}

/**
 * What a cohort's link is, its trace read from a file that is found from the folder.
 * @throws CommandError (invalid scenario) with one sentence, and the line where the trace has lines
 */
export function planLink(link: ScenarioLink, folder: string): LinkProfile {
  if (typeof link === 'string') return linkPresets[link];
  return {
    downBps: link.down ?? null,
    upBps: link.up ?? null,
    delayMs: link.delay ?? 0,
    jitterMs: link.jitter ?? 0,
    cuts: planCuts(link.cuts),
    trace: link.trace === undefined ? null : readTrace(link.trace, folder),
  };
}

function planCuts(cuts: Exclude<ScenarioLink, string>['cuts']): LinkCut[] {
  if (cuts === undefined) return [];
  if (!Array.isArray(cuts)) return [{ when: { everyMs: cuts.every }, forMs: cuts.for ?? 0, kind: cuts.kind }];
  return cuts.map((cut) => ({ when: { atMs: cut.at }, forMs: cut.for ?? 0, kind: cut.kind }));
}

/** Days of bandwidth; a larger file is something else. */
const MAX_TRACE_BYTES = 20_000_000;

function readTrace(name: string, folder: string): LinkTrace {
  const file = path.resolve(folder, name);
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) throw invalid(`There is no file "${name}" with the trace of a link.`);
  if (!found.isFile()) throw invalid(`"${name}" is not a file that could be the trace of a link.`);
  if (found.size > MAX_TRACE_BYTES)
    throw invalid(`${name}: is larger than ${MAX_TRACE_BYTES} bytes, which no trace is.`);
  try {
    return parseTrace(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof TraceError)
      throw invalid(`${name}${error.line === null ? '' : `:${error.line}`}: ${error.message}.`);
    throw invalid(`${name}: could not be read (${(error as Error).message}).`);
  }
}

function invalid(sentence: string): CommandError {
  return new CommandError(exitCodes.invalidScenario, sentence);
}
