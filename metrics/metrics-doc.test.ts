import { expect, it } from 'vitest';
import { renderMetricsDoc } from './metrics-doc.ts';

it('docs/metrics.md is what the catalogue says (refresh with `npx vitest run --project unit metrics/metrics-doc -u`)', async () => {
  await expect(renderMetricsDoc()).toMatchFileSnapshot('../docs/metrics.md');
});
