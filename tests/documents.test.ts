/** Links in documents, and documents named in code, lead somewhere. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { repositoryRoot } from './kit/built-entry.ts';

const root = repositoryRoot();
const tracked = execFileSync('git', ['ls-files', '*.md', '*.ts', '*.mjs', '*.yml'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(path.join(root, file)));
const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8');

it('relative links in documents lead to a file', () => {
  const broken = tracked
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) =>
      [...textOf(file).matchAll(/\]\((?!https?:|mailto:|#)([^)\s#]+)/g)]
        .filter(([, target]) => !existsSync(path.join(root, path.dirname(file), target!)))
        .map(([, target]) => `${file}: ${target}`),
    );
  expect(broken).toEqual([]);
});

it('documents that code and documents name are there', () => {
  const missing = tracked.flatMap((file) =>
    [...textOf(file).matchAll(/(?<![\w./-])docs\/[\w/.-]+\.md/g)]
      .filter(([name]) => !existsSync(path.join(root, name)))
      .map(([name]) => `${file}: ${name}`),
  );
  expect(missing).toEqual([]);
});

it('no placeholder is left in the documents', () => {
  expect(tracked.filter((file) => file.endsWith('.md') && /@@[A-Z]+@@/.test(textOf(file)))).toEqual([]);
});
