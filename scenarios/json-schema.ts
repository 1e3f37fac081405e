import { z } from 'zod';
import { scenarioSchema } from './schema.ts';

/** The JSON Schema of a scenario file, for editors. `scenario.schema.json` is this, written down. */
export function scenarioJsonSchema(): string {
  const schema = z.toJSONSchema(scenarioSchema, { io: 'input' });
  return `${JSON.stringify({ title: 'Streamgauge scenario', ...schema }, null, 2)}\n`;
}
