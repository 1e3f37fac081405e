import { maskSecrets } from './secrets.ts';

/**
 * Stream names by the dozen: `live/room-{1..3}` stands for `live/room-1 live/room-2 live/room-3`,
 * and `{01..10}` keeps the leading zeros. One range in a name; `{` and `}` mean nothing else.
 */

/** The bound on one pattern: more streams than that are a slip of the finger. */
export const MAX_STREAMS = 100_000;

/** The pattern is broken. The message is one sentence for a person. */
export class PatternError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PatternError';
  }
}

/** All names of one pattern, in order. A text without braces stands for itself. Throws `PatternError`. */
export function expandPattern(pattern: string): string[] {
  const match = /^([^{}]*)\{(\d+)\.\.(\d+)\}([^{}]*)$/.exec(pattern);
  if (!match) {
    if (/[{}]/.test(pattern))
      throw new PatternError(
        `"${maskSecrets(pattern)}" is not a stream pattern: write one range, as in live/room-{1..20}`,
      );
    return [pattern];
  }
  const [, before = '', firstText = '', lastText = '', after = ''] = match;
  const first = Number(firstText);
  const last = Number(lastText);
  if (last < first)
    throw new PatternError(`"${maskSecrets(pattern)}": the range ends (${last}) before it begins (${first})`);
  if (last - first >= MAX_STREAMS)
    throw new PatternError(
      `"${maskSecrets(pattern)}" stands for ${last - first + 1} streams; ${MAX_STREAMS} is the most`,
    );
  const digits = firstText.startsWith('0') ? firstText.length : 0;
  return Array.from(
    { length: last - first + 1 },
    (_, index) => `${before}${String(first + index).padStart(digits, '0')}${after}`,
  );
}

/** All names of several patterns, in order, each once. */
export function expandPatterns(patterns: readonly string[]): string[] {
  return [...new Set(patterns.flatMap(expandPattern))];
}
