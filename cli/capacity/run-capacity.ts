import path from 'node:path';
import { z } from 'zod';
import { loadScenario } from '../../scenarios/load.ts';
import { scenarioSchema } from '../../scenarios/schema.ts';
import type { Context } from '../command.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';
import { checkSources } from '../run/check-sources.ts';
import { planPublishers } from '../run/plan-run.ts';
import { orInvalid } from '../run/run-scenario.ts';
import {
  type CapacityOrder,
  capacityOrder,
  fingerprintOf,
  orderOf,
  type SearchFlags,
  urlScenario,
  type WatcherFlags,
} from './capacity-order.ts';
import { readSearch } from './saved-search.ts';
import { searchCapacity } from './search-capacity.ts';

export interface CapacityFlags extends SearchFlags, WatcherFlags {
  readonly scenario: string | undefined;
  readonly overrides: readonly string[];
  readonly out: string | undefined;
  readonly resume: string | undefined;
  readonly json: boolean;
}

/** `streamgauge capacity`. */
export async function runCapacity(flags: CapacityFlags, context: Context): Promise<ExitCode> {
  const { resume, out } = flags;
  if (resume !== undefined && out !== undefined && path.resolve(resume) !== path.resolve(out))
    throw new CommandError(exitCodes.wrongUsage, '--resume goes on in its own folder; leave out --out.');
  const saved = resume === undefined ? null : await readSearch(resume);
  const given = await givenOrder(flags, context);
  const order = saved === null ? (given ?? missing()) : withRequired(given ?? orderOf(saved), flags);
  if (saved !== null && fingerprintOf(order) !== saved.fingerprint)
    throw new CommandError(
      exitCodes.invalidScenario,
      `The search in ${resume} was begun with another scenario or other flags, so its levels cannot be used; give the same ones, or --resume alone, or begin a new search.`,
    );
  checkSources(planPublishers(order.scenario.publishers, {}, order.folder).publishers);
  return searchCapacity(order, { out: resume ?? out, saved, json: flags.json }, context);
}

/** What the command line says is to be loaded; null: nothing. */
async function givenOrder(flags: CapacityFlags, context: Context): Promise<CapacityOrder | null> {
  const { urls, scenario: file } = flags;
  if (file !== undefined) {
    if (urls.length > 0)
      throw new CommandError(exitCodes.wrongUsage, 'Give addresses or --scenario, not both.');
    const loaded = await orInvalid(
      loadScenario(file, flags.overrides, context.interrupted),
      context.interrupted,
    );
    return capacityOrder(z.encode(scenarioSchema, loaded.scenario), path.resolve(path.dirname(file)), flags);
  }
  if (urls.length === 0) return null;
  return capacityOrder(urlScenario(flags, flags.of ?? 'viewers'), process.cwd(), flags);
}

/** What is required of the answer may change: it does not change the search. */
function withRequired(order: CapacityOrder, { require }: CapacityFlags): CapacityOrder {
  return require === undefined ? order : { ...order, require };
}

function missing(): never {
  throw new CommandError(
    exitCodes.wrongUsage,
    'What is to be loaded? Give addresses, --scenario FILE, or --resume DIR.\nSee streamgauge capacity --help.',
  );
}
