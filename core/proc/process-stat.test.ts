import { expect, test } from 'vitest';
import { parseMachineCpu, parseProcessStat, parseResidentBytes } from './process-stat.ts';

test('a stat line is read whatever the name in it', () => {
  const line =
    '71 (a b) c) R 7 1 1 0 -1 4194304 101 0 0 0 123 45 9 9 20 0 11 0 174959 1105043456 20480 18446744073709551615';
  expect(parseProcessStat(line)).toEqual({
    pid: 71,
    parentPid: 7,
    name: 'a b) c',
    cpuMs: 1680,
    threads: 11,
    startTicks: 174959,
  });
  expect(parseProcessStat('')).toBeNull();
  expect(parseProcessStat('71 (node) R 7')).toBeNull();
});

test('resident memory is in bytes, and not there for a kernel thread', () => {
  expect(parseResidentBytes('Name:\tnode\nVmHWM:\t   99 kB\nVmRSS:\t   80012 kB\n')).toBe(80012 * 1024);
  expect(parseResidentBytes('Name:\tkthreadd\n')).toBeNull();
});

test('CPU of the machine: busy, stolen and all', () => {
  const text = 'cpu  100 20 30 1000 50 1 2 7 40 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n';
  expect(parseMachineCpu(text)).toEqual({ busyMs: 1530, stealMs: 70, totalMs: 12100 });
  expect(parseMachineCpu('intr 1 2 3\n')).toBeNull();
});
