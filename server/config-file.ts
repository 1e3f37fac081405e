/**
 * Reads the YAML file of the server's configuration; each thing wrong with it becomes one sentence with its line.
 */
import { type Document, isMap, isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { nearestWord } from '../metrics/nearest-word.ts';
import { type ServerConfig, serverConfigSchema } from './config.ts';

/** A configuration that cannot be meant. The message has one line for each thing that is wrong. */
export class ServerConfigError extends Error {
  readonly code = 'SERVER_CONFIG_INVALID';
  constructor(sentences: readonly string[]) {
    super(sentences.join('\n'));
    this.name = 'ServerConfigError';
  }
}

/**
 * @param text YAML; an empty file means all defaults
 * @param fileName for the messages
 * @throws ServerConfigError
 */
export function parseServerConfig(text: string, fileName: string): ServerConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const at = (offset: number) => `${fileName}:${lines.linePos(offset).line}:`;
  if (document.errors.length > 0)
    throw new ServerConfigError(
      document.errors.map(({ message, pos }) => `${at(pos[0])} ${message.split(/ at line |:?\n/)[0]}`),
    );
  const result = serverConfigSchema.safeParse(document.toJS() ?? {});
  if (result.success) return result.data;
  throw new ServerConfigError(
    result.error.issues
      .flatMap(problemsOf)
      .map(({ path, sentence }) => `${at(offsetOf(document, path))} ${sentence}`),
  );
}

interface Problem {
  readonly path: readonly string[];
  readonly sentence: string;
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...path, key], sentence: describeUnknown(key, path) }));
  // A secret that was refused must not end up in a log: zod's messages do not show values, and nor does this.
  return [{ path, sentence: `${path.join('.') || 'the configuration'}: ${issue.message}` }];
}

function describeUnknown(key: string, path: readonly string[]): string {
  const words = keysAt(path);
  const near = nearestWord(key, words);
  const hint = near === null ? `known here: ${words.join(', ')}` : `did you mean "${near}"?`;
  return `unknown key "${[...path, key].join('.')}"; ${hint}`;
}

function keysAt(path: readonly string[]): string[] {
  let shape: Record<string, z.core.$ZodType> = serverConfigSchema.shape;
  for (const [index, part] of path.entries()) {
    let schema = shape[part];
    while (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault) schema = schema.unwrap();
    // The elements of a list are all alike, whatever their number.
    if (schema instanceof z.ZodArray) shape = { [path[index + 1] ?? '']: schema.element as z.core.$ZodType };
    else shape = schema instanceof z.ZodObject ? schema.shape : {};
  }
  return Object.keys(shape);
}

/** Where the key at the end of the path stands, or the nearest thing above it that does. */
function offsetOf(document: Document, path: readonly string[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    if (!isMap(parent)) continue;
    const key = parent.items.find((item) => isNode(item.key) && String(item.key) === path[length - 1])?.key;
    if (isNode(key) && key.range) return key.range[0];
  }
  return 0;
}
