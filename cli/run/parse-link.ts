import { nearestWord } from '../../metrics/nearest-word.ts';
import type { ScenarioInput } from '../../scenarios/schema.ts';
import { linkPresetNames } from '../../scenarios/words.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';

type LinkInput = NonNullable<ScenarioInput['viewers'][number]['link']>;

const keys = ['down', 'up', 'delay', 'jitter', 'trace'] as const;

/**
 * `--link`: a name, or keys as a scenario has them, `down=3mbit,delay=40ms`. Cuts are for scenarios.
 * @throws CommandError (wrong usage)
 */
export function parseLink(text: string): LinkInput {
  const name = linkPresetNames.find((preset) => preset === text.trim());
  if (name !== undefined) return name;
  const link: { [key in (typeof keys)[number]]?: string } = {};
  for (const part of text.split(',')) {
    const [, written = '', value = ''] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
    const key = keys.find((one) => one === written);
    if (key === undefined || value === '') throw wrongUsage(text, written === '' ? part.trim() : written);
    link[key] = value;
  }
  return link;
}

function wrongUsage(text: string, word: string): CommandError {
  const near = nearestWord(word, [...linkPresetNames, ...keys]);
  const hint = near === null || near === word ? '' : ` (did you mean ${near}?)`;
  return new CommandError(
    exitCodes.wrongUsage,
    `--link ${text}: "${word}" says nothing here${hint}; write down=3mbit,up=1mbit,delay=40ms,jitter=10ms or trace=FILE, or one of ${linkPresetNames.join(', ')}.`,
  );
}
