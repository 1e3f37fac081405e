import { withoutSecrets } from '../../core/secrets.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import { listOf } from '../../scenarios/validate.ts';

/** For people: addresses without passwords and signatures. */
export function targetName({ target, viewers }: Scenario): string {
  if (target === 'reference') return 'reference stack';
  const addresses =
    target === undefined
      ? viewers.flatMap(({ url }) => (url === undefined ? [] : listOf(url)))
      : [target.rtmp, target.http].filter((url) => url !== undefined);
  return [...new Set(addresses)].map(withoutSecrets).join(' ');
}
