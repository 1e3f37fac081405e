import type { Level, LevelFigures } from '../../metrics/capacity.ts';

/** A level for tests: carried, and nothing measured but what is given. */
export function aLevel({
  figures = {},
  ...rest
}: Partial<Omit<Level, 'figures'>> & { figures?: Partial<LevelFigures> }): Level {
  return {
    number: 1,
    load: 10,
    purpose: 'step up',
    startedAt: '2026-11-23T18:00:00.000Z',
    heldMs: 20_000,
    steady: true,
    unsteady: null,
    verdict: 'good',
    objections: [],
    thresholds: [],
    generator: {
      valid: true,
      reasons: [],
      cpu: 0.2,
      eventLoopLagMs: 5,
      seconds: 20,
      invalidSeconds: 0,
      droppedStarts: 0,
    },
    server: {},
    errors: [],
    ...rest,
    figures: {
      firstFrameP50Ms: null,
      firstFrameP95Ms: null,
      latencyP50Ms: null,
      latencyP95Ms: null,
      stallRatio: null,
      startFailureRatio: null,
      playing: null,
      receivedBps: null,
      ...figures,
    },
  };
}
