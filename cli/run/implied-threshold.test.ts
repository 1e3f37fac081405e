import { expect, it } from 'vitest';
import { Registry } from '../../metrics/registry.ts';
import { judge, parseThreshold } from '../../metrics/threshold.ts';
import { impliedThreshold } from './implied-threshold.ts';

const tags = { protocol: 'rtmp', stream: 'live/a' } as const;

/** Whether a run without thresholds passes, with this many sessions of each kind. */
function passes(sessions: { playing: number; ended: number; failed: number }): boolean {
  const registry = new Registry();
  registry.series('sessions_playing', tags).add(sessions.playing);
  registry.series('sessions_ended', tags).add(sessions.ended);
  registry.series('sessions_failed', tags).add(sessions.failed);
  registry.cut(1000);
  return judge(impliedThreshold([]), registry).every(({ ok }) => ok);
}

it.each([
  ['nobody had a picture', { playing: 0, ended: 3, failed: 0 }, false],
  ['every session broke after its first frame', { playing: 3, ended: 0, failed: 3 }, false],
  ['one of them did not', { playing: 3, ended: 1, failed: 2 }, true],
])('without thresholds, where %s', (_, sessions, passed) => {
  expect(passes(sessions)).toBe(passed);
});

it('says nothing where something was wanted, and asks of visitors that watch nothing that they connect', () => {
  expect(impliedThreshold([parseThreshold('stall_ratio', 'value<1')])).toEqual([]);
  const viewers = [{ behaviour: 'idle' }] as never;
  expect(impliedThreshold([], { viewers }).map(({ metric }) => metric)).toEqual(['connect_ms']);
});
