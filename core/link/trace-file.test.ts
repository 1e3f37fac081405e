import { describe, expect, it } from 'vitest';
import { meanBps, parseTrace, TraceError } from './trace-file.ts';

describe('a trace', () => {
  const steps = { startsMs: [0, 10_000, 12_500], bps: [3_000_000, 500_000, 0], periodMs: 15_000 };

  it.each([
    ['CSV', '0,3000\n10,500\n12.5,0\n'],
    [
      'CSV with heading, comments, blanks and Windows line ends',
      '# mine\r\nseconds,kbit/s\r\n\r\n 0 , 3000\r\n10,500\r\n12.5,0',
    ],
    ['CSV that begins at another time', '1700000000,3000\n1700000010,500\n1700000012.5,0\n'],
    ['JSON', '[[0, 3000], [10, 500], [12.5, 0]]'],
  ])('is read from %s', (_, text) => {
    expect(parseTrace(text)).toEqual(steps);
  });

  it('of one line holds for ever', () => {
    expect(parseTrace('0,3000')).toEqual({ startsMs: [0], bps: [3_000_000], periodMs: 1_000 });
  });

  it('is read from Mahimahi: 1,500 bytes for each line', () => {
    const trace = parseTrace(['0', '5', '50', '50', '150', '250'].join('\n'));
    expect(trace).toEqual({ startsMs: [0, 100, 200], bps: [480_000, 120_000, 240_000], periodMs: 250 });
    // 12 Mbit/s is one opportunity a millisecond.
    const even = parseTrace(Array.from({ length: 1_000 }, (_, i) => String(i + 1)).join('\n'));
    expect(meanBps(even)).toBe(12_000_000);
    expect(even.periodMs).toBe(1_000);
  });

  it.each([
    ['', null, 'is empty'],
    ['# only this', null, 'is empty'],
    ['seconds,kbit/s', null, 'has no steps'],
    ['0,3000\nten,500', 2, '"ten,500" is not seconds,kbit/s, as in 10,3000'],
    ['0,3000\n10,500,1', 2, '"10,500,1" is not seconds,kbit/s, as in 10,3000'],
    ['0,3000\n10,-5', 2, '"10,-5" is not seconds,kbit/s, as in 10,3000'],
    ['0,3000\n\n10,500\n10,600', 4, '10 s is not later than the time before it (by 1 ms at least)'],
    ['0,999999999', 1, '999999999 kbit/s is not from 0 to 100000000'],
    ['0,0\n10,0', null, 'lets less than 1000 bit/s through on average'],
    ['1\nx', 2, '"x" is neither seconds,kbit/s (CSV) nor a whole number of milliseconds (Mahimahi)'],
    ['5\n4', 2, '4 ms is earlier than the time before it'],
    ['0\n0', null, 'ends at 0 ms'],
    ['999999999999', null, 'lasts 999999999999 ms; 20000000 are the most'],
    ['[[0, 3000], [1]]', null, 'entry 1 is not [seconds, kbit/s], as in [10, 3000]'],
    ['{}', null, 'is no list of [seconds, kbit/s], as in [[0, 3000], [10, 500]]'],
  ])('that is none is refused: %j', (text, line, message) => {
    const error = caught(() => parseTrace(text));
    expect([error.line, error.message]).toEqual([line, message]);
  });

  it('that is broken JSON is refused in one sentence', () => {
    expect(caught(() => parseTrace('[[0,')).message).toMatch(/^is not JSON: /);
  });
});

function caught(attempt: () => unknown): TraceError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof TraceError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
