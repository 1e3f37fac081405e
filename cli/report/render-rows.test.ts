import { expect, test } from 'vitest';
import { renderRows } from './render-rows.ts';

test('a table: numbers to the right, words to the left, nothing where nothing is', () => {
  const rows = [
    ['rtmp', '20', 84.123456789],
    ['http-flv', '7', null],
  ];
  expect(renderRows(['protocol', 'n', 'median'], rows)).toBe(
    [
      'protocol   n   median',
      '────────  ──  ───────',
      'rtmp      20  84.1235',
      'http-flv   7',
      '(2 rows)',
      '',
    ].join('\n'),
  );
});

test('a long or hostile cell is one short line', () => {
  const text = renderRows(['x'], [['a\nb\u001b[2J'.padEnd(100, 'c')]]);
  expect(text.split('\n')[2]).toBe(`a b\ufffd[2J${'c'.repeat(52)}…`);
});

test('as many rows as a query may give', () => {
  const rows = Array.from({ length: 300_000 }, (_, index) => [index]);
  expect(renderRows(['x'], rows)).toContain('299999\n(300000 rows)');
});

test('no rows, and a statement without columns', () => {
  expect(renderRows(['x'], [])).toBe('x\n─\n(0 rows)\n');
  expect(renderRows([], [])).toBe('');
});
