import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { scenarioJsonSchema } from './json-schema.ts';
import { parseScenario } from './parse.ts';
import { planned } from './words.ts';

const text = readFileSync(new URL('../docs/scenarios.md', import.meta.url), 'utf8');

/** All keys and words of the schema, wherever they stand. */
function wordsOf(schema: unknown): string[] {
  if (schema === null || typeof schema !== 'object') return [];
  const { properties, const: word, enum: words } = schema as Record<string, unknown>;
  return [
    ...Object.keys((properties as object | undefined) ?? {}),
    ...(typeof word === 'string' ? [word] : []),
    ...(Array.isArray(words) ? words.map(String) : []),
    ...Object.values(schema).flatMap(wordsOf),
  ];
}

describe('docs/scenarios.md', () => {
  test('tells of every key and every word that a scenario may have, and of those that it may not have yet', () => {
    const words = [...wordsOf(JSON.parse(scenarioJsonSchema())), ...Object.keys(planned)];
    expect(words.length).toBeGreaterThan(50);
    const missing = [...new Set(words)].filter((word) => word !== '$schema' && !text.includes(`\`${word}\``));
    expect(missing).toEqual([]);
  });

  test('has an example that is one', () => {
    const [, example = ''] = /```yaml\n(.*?)```/s.exec(text) ?? [];
    expect(parseScenario(example, 'docs').scenario.name).toBe('evening-peak');
  });
});
