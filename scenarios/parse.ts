import { Document, isCollection, isMap, isNode, LineCounter, parseDocument, parse as parseYaml } from 'yaml';
import type { Threshold } from '../metrics/threshold.ts';
import { formatPath, type Problem, ScenarioError } from './problem.ts';
import type { Scenario } from './schema.ts';
import { maskSecrets } from './secrets.ts';
import { validateScenario } from './validate.ts';

/** A scenario is a page of text; a file of this size is something else. */
export const MAX_SCENARIO_BYTES = 1_000_000;

export interface ParsedScenario {
  readonly scenario: Scenario;
  readonly thresholds: readonly Threshold[];
}

/**
 * Reads a scenario from YAML or JSON text (JSON is read as YAML, so that its errors have lines too).
 * @param filename as it shall stand in messages
 * @param overrides `--set` arguments: `viewers.0.viewers=500`, `viewers[0].rate=5`, `viewers.flv.watch=30s`
 * @throws ScenarioError with one line `file:line:column: sentence` for each problem
 */
export function parseScenario(
  text: string,
  filename: string,
  overrides: readonly string[] = [],
): ParsedScenario {
  if (text.length > MAX_SCENARIO_BYTES) throw tooLarge(filename);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' });
  if (document.errors.length > 0)
    throw new ScenarioError(
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return `${filename}:${line}:${col}: ${oneSentence(error.message)}`;
      }),
    );
  return check(document, overrides, (problem) => {
    const { line, col } = lines.linePos(offsetOf(document, problem));
    return `${filename}:${line}:${col}: ${problem.sentence}`;
  });
}

/** Reads a scenario from a value (of a TypeScript file): places are paths of keys, because there are no lines. */
export function readScenario(
  value: unknown,
  filename: string,
  overrides: readonly string[] = [],
): ParsedScenario {
  return check(new Document(value), overrides, (problem) => `${filename}: ${problem.sentence}`);
}

function check(
  document: Document.Parsed | Document,
  overrides: readonly string[],
  describe: (problem: Problem) => string,
): ParsedScenario {
  const set = overrides.map((override) => applyOverride(document as Document, override));
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    // Too many aliases (the "billion laughs"), or an alias to nothing.
    throw new ScenarioError([describe({ path: [], sentence: oneSentence((error as Error).message) })]);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new ScenarioError([
      describe({
        path: [],
        sentence: 'is not a scenario: a group of keys with a name and viewers is expected',
      }),
    ]);
  const result = validateScenario(value);
  if (result.ok) return result;
  throw new ScenarioError(
    result.problems.map((problem) => {
      const override = set.findLast(({ path }) => path.every((key, index) => problem.path[index] === key));
      return override ? `--set ${maskSecrets(override.text)}: ${problem.sentence}` : describe(problem);
    }),
  );
}

/** Changes the document as one `--set` argument says; the path that it set, for messages. */
function applyOverride(document: Document, text: string): { text: string; path: (string | number)[] } {
  const equals = text.indexOf('=');
  const fail = (sentence: string): never => {
    throw new ScenarioError([`--set ${maskSecrets(text)}: ${sentence}`]);
  };
  if (equals < 1) return fail('write key=value, as in --set viewers.0.viewers=500');
  let value: unknown;
  try {
    value = parseYaml(text.slice(equals + 1)) ?? '';
  } catch {
    value = text.slice(equals + 1);
  }
  const path: (string | number)[] = [];
  for (const part of splitPath(text.slice(0, equals))) {
    const parent = path.length === 0 ? document.contents : document.getIn(path, true);
    if (isCollection(parent) && !isMap(parent)) {
      // A list: by index, or by the `name` of its entries.
      const entries = parent.toJSON() as { name?: unknown; protocol?: unknown }[];
      const index = /^\d+$/.test(part)
        ? Number(part)
        : entries.findIndex((entry) => (entry?.name ?? entry?.protocol) === part);
      if (index < 0 || index > entries.length)
        return fail(
          `${formatPath(path)} has no entry ${/^\d+$/.test(part) ? part : `named "${part}"`}; it has ${entries.length}`,
        );
      path.push(index);
    } else if (isNode(parent) && !isCollection(parent) && parent.toJSON() !== null)
      return fail(`${formatPath(path)} is a single value and has no "${part}" in it`);
    else path.push(part);
  }
  document.setIn(path, document.createNode(value));
  return { text, path };
}

/** `a.b[0].c` and `a.b.0.c`; dots within the braces of a tag selector (`stall_ratio{stream:live/a.b}`) do not divide. */
function splitPath(text: string): string[] {
  return text
    .replace(/\[(\d+)\]/g, '.$1')
    .split(/\.(?![^{]*\})/)
    .filter((part) => part !== '');
}

/** Where in the text a problem lies: the key or the value at its path, or the nearest thing above that exists. */
function offsetOf(document: Document, problem: Problem): number {
  for (let length = problem.path.length; length > 0; length--) {
    const path = problem.path.slice(0, length);
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
    const exact = length === problem.path.length;
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isNode(item.key) && item.key.toJSON() === path.at(-1));
      const node = exact && !problem.atKey && isNode(pair?.value) ? pair.value : pair?.key;
      if (isNode(node) && node.range) return node.range[0];
    } else {
      const node = document.getIn(path, true);
      if (isNode(node) && node.range) return node.range[0];
    }
  }
  return isNode(document.contents) && document.contents.range ? document.contents.range[0] : 0;
}

export function tooLarge(filename: string): ScenarioError {
  return new ScenarioError([`${filename}: is larger than ${MAX_SCENARIO_BYTES} bytes, which no scenario is`]);
}

/** The first line of a library's message, without its full stop. */
function oneSentence(message: string): string {
  if (message.startsWith('Maximum call stack')) return 'is nested too deeply';
  if (message.startsWith('Source contains multiple documents'))
    return 'a second document begins here; a scenario is one';
  const first = message.split('\n', 1)[0] ?? message;
  return first.replace(/[.:]$/, '');
}
