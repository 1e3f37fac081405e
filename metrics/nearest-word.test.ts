import { describe, expect, it } from 'vitest';
import { nearestWord } from './nearest-word.ts';

const words = [
  'first_frame_ms',
  'latency_ms',
  'latency_uncertainty_ms',
  'stall_count',
  'stall_ms',
  'avg',
  'max',
];

describe('nearestWord', () => {
  it.each([
    ['latencyms', 'latency_ms'],
    ['latnecy_ms', 'latency_ms'],
    ['Latency_MS', 'latency_ms'],
    ['first_frame', 'first_frame_ms'],
    ['latency', 'latency_ms'],
    ['stal_count', 'stall_count'],
    ['agv', 'avg'],
    ['mx', 'max'],
  ])('takes %s for %s', (typed, meant) => {
    expect(nearestWord(typed, words)).toBe(meant);
  });

  it.each(['http_req_duration', '', 'x', 'xyz'])('has nothing near "%s"', (typed) => {
    expect(nearestWord(typed, words)).toBeNull();
  });
});
