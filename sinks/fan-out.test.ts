import { describe, expect, it } from 'vitest';
import type { Sink } from '../metrics/sink.ts';
import { fanOut } from './fan-out.ts';
import { makeSyntheticRun } from './synthetic-run.ts';

const { run, seconds, sessions, summary } = makeSyntheticRun({ seconds: 1 });

function recorder(calls: string[], name: string, failure?: string): Sink {
  const act = async (what: string) => {
    calls.push(`${name} ${what}`);
    if (failure) throw new Error(failure);
  };
  return {
    name,
    lost: 2,
    open: () => act('open'),
    second: () => calls.push(`${name} second`),
    session: () => calls.push(`${name} session`),
    close: () => act('close'),
  };
}

describe('fanOut', () => {
  it('passes everything to every sink and adds up what they lost', async () => {
    const calls: string[] = [];
    const sink = fanOut('both', [recorder(calls, 'a'), recorder(calls, 'b')]);
    await sink.open(run);
    sink.second(seconds[0]!);
    sink.session(sessions[0]!);
    await sink.close(summary);
    expect(calls).toEqual([
      'a open',
      'b open',
      'a second',
      'b second',
      'a session',
      'b session',
      'a close',
      'b close',
    ]);
    expect(sink.lost).toBe(4);
  });

  it('goes on with the others when one fails, and says each failure once', async () => {
    const calls: string[] = [];
    const sink = fanOut('three', [
      recorder(calls, 'a', 'Disk full.'),
      recorder(calls, 'b', 'Disk full.'),
      recorder(calls, 'c', 'No route.'),
      recorder(calls, 'd'),
    ]);
    await expect(sink.close(summary)).rejects.toThrow(/^Disk full\. No route\.$/);
    expect(calls).toHaveLength(4);
  });
});
