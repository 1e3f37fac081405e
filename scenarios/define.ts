import type { ScenarioInput } from './schema.ts';

/** For scenarios in TypeScript: gives the editor the types and hands the scenario on as it is. */
export function defineScenario(scenario: ScenarioInput): ScenarioInput {
  return scenario;
}
