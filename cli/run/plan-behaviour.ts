import { type LinkProfile, unlimited } from '../../core/link/profile.ts';
import type { Behaviour } from '../../fleet/behaviour.ts';
import type { FleetCohort } from '../../fleet/plan.ts';
import type { Popularity } from '../../fleet/popularity.ts';
import type { SessionLength } from '../../fleet/session-length.ts';
import { behaviourSchema, type ScenarioBehaviour, type ScenarioCohort } from '../../scenarios/schema.ts';

/** What viewers do, and over which link where that is a part of it: a slow reader's rate takes the place of the bandwidth down. */
export function planBehaviour(
  given: ScenarioCohort['behaviour'],
  link: LinkProfile | undefined,
): Pick<FleetCohort, 'behaviour' | 'link'> {
  const behaviour = typeof given === 'string' ? behaviourSchema.parse({ kind: given }) : given;
  if (behaviour.kind === 'slow-reader')
    return { link: { ...unlimited, ...link, downBps: behaviour.rate, trace: null } };
  const planned = behaviourOf(behaviour);
  return planned === null ? {} : { behaviour: planned };
}

function behaviourOf(behaviour: Exclude<ScenarioBehaviour, { kind: 'slow-reader' }>): Behaviour | null {
  switch (behaviour.kind) {
    case 'normal':
      return null;
    case 'zapper':
      return { kind: 'zapper', every: lawOf(behaviour.every) };
    case 'pause-and-return':
      return {
        kind: 'pause-and-return',
        after: lawOf(behaviour.after),
        pause: lawOf(behaviour.for),
        return: behaviour.return,
      };
    case 'connect-only':
      return { kind: 'connect-only', handshake: behaviour.handshake, holdMs: behaviour.hold };
    case 'idle':
      return { kind: 'idle' };
  }
}

function lawOf(law: number | { readonly median: number; readonly p95: number }): SessionLength {
  if (typeof law === 'number') return { kind: 'fixed', lengthMs: law };
  return { kind: 'log-normal', medianMs: law.median, p95Ms: law.p95 };
}

/** `zipf` alone has the exponent 1. */
export function planPopularity(given: ScenarioCohort['popularity']): { popularity?: Popularity } {
  if (given === 'uniform') return {};
  return { popularity: { kind: 'zipf', exponent: given === 'zipf' ? 1 : given.zipf } };
}
