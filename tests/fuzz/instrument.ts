import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Node, parse } from 'acorn';
import { full } from 'acorn-walk';
import { build } from 'esbuild';
import MagicString from 'magic-string';
import { repositoryRoot } from '../kit/built-entry.ts';

/** Name of the array that instrumented code counts in. */
export const COUNTERS = '__fuzzCounters';

export interface Instrumented {
  /** To be imported, after `globalThis[COUNTERS]` was set to a `Uint8Array` of `counters` bytes. */
  readonly url: string;
  readonly counters: number;
}

/**
 * Bundles a source file and lets every branch of it count how often it was taken: functions, both sides of conditions,
 * loop bodies, cases, and right sides of `&&`, `||` and `??`. A fuzzer sees from that which inputs lead somewhere new.
 * @param source path from the repository's top
 */
export async function instrument(source: string): Promise<Instrumented> {
  const { outputFiles } = await build({
    entryPoints: [path.join(repositoryRoot(), source)],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  const { code, counters } = countBranches(outputFiles[0]!.text);
  const folder = path.join(repositoryRoot(), '.cache', 'fuzz');
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `${path.basename(source, '.ts')}.${process.pid}.mjs`);
  await writeFile(file, code);
  return { url: pathToFileURL(file).href, counters };
}

/** The code with a counter in every branch, and how many there are. */
export function countBranches(code: string): { code: string; counters: number } {
  const text = new MagicString(code);
  let counters = 0;
  const count = (): string => `__c[${counters++}]++`;
  const statement = (node: Node | null | undefined): void => {
    if (!node) return;
    if (node.type === 'BlockStatement') text.appendRight(node.start + 1, `${count()};`);
    else {
      text.appendRight(node.start, `{${count()};`);
      text.appendLeft(node.end, '}');
    }
  };
  const expression = (node: Node): void => {
    text.appendRight(node.start, `(${count()},`);
    text.appendLeft(node.end, ')');
  };
  full(parse(code, { ecmaVersion: 2022, sourceType: 'module' }), (found) => {
    const node = found as Node & Record<string, Node & Node[]>;
    switch (node.type) {
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        // Of an arrow function with an expression for a body, that expression is the branch.
        if (node['body']!.type === 'BlockStatement') statement(node['body']);
        else expression(node['body']!);
        break;
      case 'IfStatement':
        statement(node['consequent']);
        statement(node['alternate']);
        break;
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
        statement(node['body']);
        break;
      case 'SwitchCase': {
        const [first] = node['consequent']!;
        if (first) text.appendRight(first.start, `${count()};`);
        break;
      }
      case 'ConditionalExpression':
        expression(node['consequent']!);
        expression(node['alternate']!);
        break;
      case 'LogicalExpression':
        expression(node['right']!);
        break;
    }
  });
  text.prepend(`const __c = globalThis.${COUNTERS};\n`);
  return { code: text.toString(), counters };
}
