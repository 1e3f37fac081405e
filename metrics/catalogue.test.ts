import { describe, expect, it } from 'vitest';
import { catalogue, findMetric, tagNames } from './catalogue.ts';

describe('catalogue', () => {
  it('names the unit in the name where the unit is ms', () => {
    for (const { name, unit } of catalogue)
      expect([name, name.endsWith('_ms')]).toEqual([name, unit === 'ms']);
  });

  it('says what every ratio divides, and only those', () => {
    for (const { name, type, numerator, denominator } of catalogue) {
      expect([name, Boolean(numerator && denominator)]).toEqual([name, type === 'ratio']);
    }
  });

  it('uses tags of the closed list, none twice, and gives every metric one clear sentence', () => {
    for (const { name, tags, help } of catalogue) {
      expect(tags.every((tag) => tagNames.includes(tag))).toBe(true);
      expect(new Set(tags).size).toBe(tags.length);
      expect(help, name).toMatch(/^.{10,160}\.$/);
    }
  });

  it('does not find what is inherited by every object', () => {
    expect(findMetric('constructor')).toBeNull();
    expect(findMetric('latency_ms')?.type).toBe('trend');
  });
});
