/** What is wrong with a scenario: one place, one sentence. */
export interface Problem {
  /** Keys and indexes down from the top: `['viewers', 0, 'rate']`. */
  readonly path: readonly PropertyKey[];
  readonly sentence: string;
  /** The problem is with the key itself and not with its value: that is where the finger points. */
  readonly atKey?: boolean;
}

/** A scenario that cannot be run. `message` has one line per problem, each with its place: file, line and column where known. */
export class ScenarioError extends Error {
  readonly lines: readonly string[];
  constructor(lines: readonly string[]) {
    super(shownLines(lines).join('\n'));
    this.name = 'ScenarioError';
    this.lines = lines;
  }
}

/** More than that nobody reads at once. */
const MAX_LINES = 20;

function shownLines(lines: readonly string[]): readonly string[] {
  const different = [...new Set(lines)];
  const more = different.length - MAX_LINES;
  return more > 0 ? [...different.slice(0, MAX_LINES), `… and ${more} more`] : different;
}

/** `viewers[0].rate`, as people write paths. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path)
    text += typeof part === 'number' ? `[${part}]` : `${text === '' ? '' : '.'}${String(part)}`;
  return text;
}
