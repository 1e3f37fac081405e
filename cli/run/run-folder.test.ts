import path from 'node:path';
import { expect, test } from 'vitest';
import { relativePath, runFolder, runId } from './run-folder.ts';

test('the name of a run is its time and its scenario', () => {
  expect(runId('smoke', new Date(2026, 10, 3, 8, 5, 9))).toBe('20261103-080509-smoke');
});

test('the folder is the one asked for, or a new one', () => {
  expect(runFolder('out', 'x')).toBe(path.resolve('out'));
  const taken = new Set([path.resolve('runs/x'), path.resolve('runs/x-2')]);
  expect(runFolder(undefined, 'x', (folder) => !taken.has(folder))).toBe(path.resolve('runs/x-3'));
});

test('paths are told as one would type them', () => {
  expect(relativePath('/home/me/runs/x/report.html', '/home/me')).toBe('runs/x/report.html');
  expect(relativePath('/home/you/report.html', '/home/me')).toBe('../you/report.html');
  expect(relativePath('/tmp/x/report.html', '/home/me')).toBe('/tmp/x/report.html');
});
