import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { linkPresetNames } from '../../scenarios/words.ts';
import { linkPresets } from './presets.ts';

it('scenarios know the links that there are, and docs/scenarios.md their numbers', () => {
  expect(linkPresetNames).toEqual(Object.keys(linkPresets));
  const text = readFileSync(new URL('../../docs/scenarios.md', import.meta.url), 'utf8');
  for (const [name, { downBps, upBps, delayMs }] of Object.entries(linkPresets)) {
    const [, down, up, roundTripMs] =
      new RegExp(`\\| \`${name}\` \\| (\\S+) \\| (\\S+) \\| (\\d+) ms`).exec(text) ?? [];
    expect([bits(down), bits(up), Number(roundTripMs)]).toEqual([downBps, upBps, delayMs * 2]);
  }
});

function bits(text = ''): number {
  return Number.parseFloat(text) * (text.endsWith('mbit') ? 1_000_000 : 1_000);
}
