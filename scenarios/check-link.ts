import { formatPath, type Problem } from './problem.ts';
import type { ScenarioLink } from './schema.ts';

/** What a link says and cannot be: keys that exclude each other, times that do not go together. */
export function checkLink(link: ScenarioLink | undefined, path: readonly PropertyKey[]): Problem[] {
  if (link === undefined || typeof link === 'string') return [];
  const where = formatPath(path);
  const problems: Problem[] = [];
  if (Object.values(link).every((value) => value === undefined))
    problems.push({ path, sentence: `${where} says nothing; write down, up, delay, jitter, cuts or trace` });
  if (link.down !== undefined && link.trace !== undefined)
    problems.push({
      path: [...path, 'trace'],
      atKey: true,
      sentence: `${where} has both "down" and "trace"; keep one`,
    });
  if ((link.jitter ?? 0) > (link.delay ?? 0))
    problems.push({
      path: [...path, 'jitter'],
      sentence: `${where}.jitter is longer than the delay, which it varies up and down`,
    });
  return [...problems, ...checkCuts(link.cuts, [...path, 'cuts'])];
}

type Cuts = Exclude<ScenarioLink, string>['cuts'];

function checkCuts(cuts: Cuts, path: readonly PropertyKey[]): Problem[] {
  if (cuts === undefined) return [];
  if (!Array.isArray(cuts)) {
    const problems = checkLength(cuts, path);
    if ((cuts.for ?? 0) >= cuts.every)
      problems.push({
        path: [...path, 'for'],
        sentence: `${formatPath(path)}.for is as long as every, or longer: nothing would ever pass`,
      });
    return problems;
  }
  return cuts.flatMap((cut, index) => checkLength(cut, [...path, index]));
}

function checkLength(
  cut: { readonly kind: 'silence' | 'reset'; readonly for?: number | undefined },
  path: readonly PropertyKey[],
): Problem[] {
  if (cut.kind === 'reset' || (cut.for ?? 0) > 0) return [];
  const where = formatPath(path);
  if (cut.for === undefined) return [{ path, sentence: `missing key "for" in ${where}` }];
  return [{ path: [...path, 'for'], sentence: `${where}.for must be longer than 0` }];
}
