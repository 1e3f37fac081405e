import { expect, test } from 'vitest';
import { FaultLog } from './fault-log.ts';

test('a fault is told when it begins, and with its length when every stream is published again', () => {
  const log = new FaultLog(1_000_000);
  const drop = {
    index: 1,
    kind: 'publisher-drop',
    streams: ['live/a', 'live/b'],
    atWallMs: 1_060_000.4,
  } as const;
  log.take({ ...drop, endWallMs: null });
  log.take({ index: 0, kind: 'publisher-stop', streams: ['live/c'], atWallMs: 1_061_000, endWallMs: null });
  expect(log.summaries()).toEqual([
    {
      atMs: 60_000,
      kind: 'publisher-drop',
      detail: 'Connection cut: publisher of 2 streams, "live/a" among them',
    },
    { atMs: 61_000, kind: 'publisher-stop', detail: 'Stopped in good order: publisher of "live/c"' },
  ]);
  log.take({ ...drop, endWallMs: 1_065_250.4 });
  expect(log.summaries()[0]).toEqual({
    atMs: 60_000,
    kind: 'publisher-drop',
    detail: 'Connection cut: publisher of 2 streams, "live/a" among them; published again after 5.25 s',
    durationMs: 5_250,
  });
});
