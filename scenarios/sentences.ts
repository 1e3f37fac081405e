import type { z } from 'zod';
import { nearestWord } from '../metrics/nearest-word.ts';
import { formatPath, type Problem } from './problem.ts';
import { planned } from './words.ts';

/** Zod's issues as sentences for the person who wrote the scenario. */

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** Problems of a value that did not fit `schema`; `input` is the value as it was given. */
export function describeIssues(issues: readonly Issue[], schema: z.ZodType, input: unknown): Problem[] {
  return issues.flatMap((issue) => describeIssue(issue, [], schema, input));
}

function describeIssue(issue: Issue, base: Path, schema: z.ZodType, input: unknown): Problem[] {
  const path = [...base, ...issue.path];
  const where = path.length === 0 ? 'the scenario' : formatPath(path);
  const last = path.at(-1);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...path, key],
        atKey: true,
        sentence: describeUnknownKey(key, path, schema, input),
      }));
    case 'invalid_union': {
      if (issue.discriminator !== undefined) {
        const words = (issue as { options?: string[] }).options ?? [];
        return [
          { path, sentence: describeWord(valueAt(input, path), words, String(last), path.slice(0, -1)) },
        ];
      }
      const branch = bestBranch(issue.errors);
      if (branch) return branch.flatMap((inner) => describeIssue(inner, path, schema, input));
      return [{ path, sentence: `${where} ${issue.message}` }];
    }
    case 'invalid_value':
      return [
        {
          path,
          sentence: describeWord(
            valueAt(input, path),
            issue.values.map(String),
            String(last),
            path.slice(0, -1),
          ),
        },
      ];
    case 'invalid_type':
      return [{ path, sentence: describeType(issue, path, where, valueAt(input, path)) }];
    case 'too_small':
      if (issue.origin === 'array')
        return [{ path, sentence: `${where} is empty; at least one entry is needed` }];
      return [{ path, sentence: `${where} is ${show(valueAt(input, path))}; ${issue.minimum} is the least` }];
    case 'too_big':
      if (issue.origin === 'array')
        return [{ path, sentence: `${where} has more than ${issue.maximum} entries` }];
      return [{ path, sentence: `${where} is ${show(valueAt(input, path))}; ${issue.maximum} is the most` }];
    case 'custom':
      return [{ path, sentence: `${where}: ${issue.message}` }];
    default:
      return [{ path, sentence: `${where} ${issue.message}` }];
  }
}

/** `; did you mean "viewers"?`, or else which words there are. */
function suggestion(written: string, words: readonly string[], what: string): string {
  const near = nearestWord(written, words);
  return near === null ? `; ${what}: ${words.join(', ')}` : `; did you mean "${near}"?`;
}

function describeUnknownKey(key: string, path: Path, schema: z.ZodType, input: unknown): string {
  if (Object.hasOwn(planned, key)) return `${formatPath([...path, key])}: ${planned[key]}`;
  const object = objectSchemaAt(schema, path, input);
  const keys = object ? Object.keys(object.shape) : [];
  const executor = (valueAt(input, path) as { executor?: unknown } | undefined)?.executor;
  const place = path.length === 0 ? '' : ` in ${formatPath(path)}`;
  const other = typeof executor === 'string' ? executorsWith(key, schema, path) : [];
  if (other.length > 0)
    return `key "${key}"${place} does not go with ${executor}, only with ${other.join(' and ')}`;
  return `unknown key "${key}"${place}${suggestion(key, keys, 'the keys are')}`;
}

/** A word that is not among those there are; missing counts as a missing key. */
function describeWord(value: unknown, words: readonly string[], key: string, parent: Path): string {
  const place = parent.length === 0 ? '' : ` in ${formatPath(parent)}`;
  if (value === undefined) return `missing key "${key}"${place}; it is one of ${words.join(', ')}`;
  const written = String(value);
  if (Object.hasOwn(planned, written)) return planned[written] as string;
  return `${show(value)} is not a valid ${key}${place}${suggestion(written, words, 'it is one of')}`;
}

function describeType(issue: z.core.$ZodIssueInvalidType, path: Path, where: string, value: unknown): string {
  const expected: Record<string, string> = {
    int: 'a whole number',
    number: 'a number',
    string: 'text',
    boolean: 'true or false',
    array: 'a list',
    object: 'a group of keys',
    record: 'a group of keys',
  };
  if (value === undefined) {
    const parent = path.slice(0, -1);
    const place = parent.length === 0 ? '' : ` in ${formatPath(parent)}`;
    return `missing key "${String(path.at(-1) ?? '')}"${place}`;
  }
  // A message of the schema's own (units) begins with the text that was found, or with "must be".
  if (!issue.message.startsWith('Invalid input'))
    return issue.message.startsWith('must') ? `${where} ${issue.message}` : `${where}: ${issue.message}`;
  return `${where} must be ${expected[issue.expected] ?? issue.expected}, not ${show(value)}`;
}

/** Of a union's branches the one that the value was meant for: its type fits, something within does not. */
function bestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const meant = branches.filter(
    (issues) =>
      !issues.some(
        (issue) =>
          issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value'),
      ),
  );
  return meant.length === 1 ? (meant[0] ?? null) : null;
}

/** The schema of the object at a path, looking through defaults, unions and codecs. */
function objectSchemaAt(schema: z.ZodType, path: Path, input: unknown): z.ZodObject | null {
  return candidates(schema, path, input).find(
    (candidate) => candidate.def.type === 'object',
  ) as z.ZodObject | null;
}

/** Executors of the cohort schema at a path that do have the key. */
function executorsWith(key: string, schema: z.ZodType, path: Path): string[] {
  return candidates(schema, path, undefined).flatMap((candidate) => {
    const shape = candidate.def.type === 'object' ? (candidate as z.ZodObject).shape : {};
    const executor = shape['executor'] as z.ZodLiteral<string> | undefined;
    return executor && key in shape ? [...executor.values] : [];
  });
}

/** All schemas that a value at the path may be read by. A discriminator in `input` narrows them to one. */
function candidates(schema: z.ZodType, path: Path, input: unknown): z.ZodType[] {
  const def = schema.def as unknown as {
    type: string;
    innerType?: z.ZodType;
    in?: z.ZodType;
    options?: z.ZodType[];
  };
  if (def.innerType) return candidates(def.innerType, path, input);
  if (def.type === 'pipe' && def.in) return candidates(def.in, path, input);
  if (def.type === 'union' && def.options) {
    const options = def.options.filter((option) => discriminators.every((key) => mayBe(option, key, input)));
    return options.flatMap((option) => candidates(option, path, input));
  }
  const [head, ...rest] = path;
  if (head === undefined) return [schema];
  const below = valueAt(input, [head]);
  if (def.type === 'object') {
    const child = (schema as z.ZodObject).shape[String(head)] as z.ZodType | undefined;
    return child ? candidates(child, rest, below) : [];
  }
  if (def.type === 'array') return candidates((schema as z.ZodArray<z.ZodType>).element, rest, below);
  return [];
}

/** Keys whose word decides which keys there are beside them. */
const discriminators = ['executor', 'kind'];

function mayBe(option: z.ZodType, key: string, input: unknown): boolean {
  const word = (input as Record<string, unknown> | null | undefined)?.[key];
  const shape = option.def.type === 'object' ? (option as z.ZodObject).shape : {};
  const literal = shape[key] as z.ZodType | undefined;
  if (word === undefined || literal?.def.type !== 'literal') return true;
  return (literal as z.ZodLiteral<string>).values.has(word as string);
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return value;
}

function show(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (Array.isArray(value)) return 'a list';
  if (value !== null && typeof value === 'object') return 'a group of keys';
  return value === null ? 'empty' : String(value);
}
