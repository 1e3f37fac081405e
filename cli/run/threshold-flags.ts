import { parseThreshold } from '../../metrics/threshold.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';

/**
 * Reads `--threshold` flags: `metric:expression`, where the metric may have a selector with colons in it.
 * @returns expressions by metric, as a scenario has them
 * @throws CommandError (wrong usage)
 */
export function readThresholds(texts: readonly string[]): Record<string, string[]> {
  const thresholds: Record<string, string[]> = {};
  for (const text of texts) {
    const [, metric, expression] = /^([^:{]+(?:\{[^}]*\})?):(.*)$/s.exec(text) ?? [];
    if (metric === undefined || expression === undefined)
      throw wrongUsage(`--threshold ${text}: write metric:expression, as in 'first_frame_ms:p(95)<1500'.`);
    try {
      parseThreshold(metric, expression);
    } catch (error) {
      throw wrongUsage(`--threshold ${text}: ${(error as Error).message.replace(/\.?$/, '.')}`);
    }
    thresholds[metric] ??= [];
    thresholds[metric].push(expression);
  }
  return thresholds;
}

function wrongUsage(sentence: string): CommandError {
  return new CommandError(exitCodes.wrongUsage, sentence);
}
