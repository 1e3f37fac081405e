import { describe, expect, it } from 'vitest';
import { generatorWords, serverWords } from './machine-words.ts';

describe('serverWords', () => {
  it('has mean and highest second in a fixed order, and only what is known', () => {
    expect(
      serverWords({
        sockets: 21,
        socketsMax: 22,
        readFrom: 'x',
        cpu: 1.25,
        cpuMax: 1.5,
        rssBytes: 8e7,
        fds: null,
      }),
    ).toEqual([
      { name: 'CPU, 100 % is one core', mean: '125 %', highest: '150 %' },
      { name: 'Resident memory', mean: '80 MB', highest: '' },
      { name: 'Connections', mean: '21', highest: '22' },
    ]);
    expect(serverWords({})).toEqual([]);
  });
});

describe('generatorWords', () => {
  const generator = {
    valid: true,
    reasons: [],
    cpu: 0,
    eventLoopLagMs: 0,
    seconds: 1,
    invalidSeconds: 0,
    droppedStarts: 0,
  };
  it('says what is known of the clock, also that nothing is', () => {
    expect(generatorWords(generator)).toEqual([]);
    expect(generatorWords({ ...generator, clock: null })[0]?.[1]).toMatch(/^not compared/);
    const clock = { offsetMs: -12, boundMs: 3.5, source: 'chrony' };
    expect(generatorWords({ ...generator, clock })).toEqual([['Clock', '12 ms behind, ± 3.5 ms (chrony)']]);
    expect(generatorWords({ ...generator, clock: { ...clock, offsetMs: 0 }, fdUsedRatio: 0.25 })).toEqual([
      ['File descriptors in use, most', '25 %'],
      ['Clock', 'the same, ± 3.5 ms (chrony)'],
    ]);
  });
});
