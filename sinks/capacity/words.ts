/** A capacity search in words; the same on the terminal, in Markdown and in HTML. */
import type { Answer, CapacityReport, Knee, Level, LevelFigures, LoadKind } from '../../metrics/capacity.ts';
import type { ThresholdResult } from '../../metrics/threshold.ts';
import { formatValue } from '../format.ts';
import { outcomeWords, thresholdWords } from '../words.ts';

/** `160 viewers`, `2.5 new sessions per second`. */
export function loadWords(load: number, of: LoadKind): string {
  const amount = formatLoad(load);
  if (of === 'viewers') return `${amount} ${load === 1 ? 'viewer' : 'viewers'}`;
  return `${amount} new ${load === 1 ? 'session' : 'sessions'} per second`;
}

/** `1,480`, `2.5`. */
export function formatLoad(load: number): string {
  return load.toLocaleString('en-US', { maximumFractionDigits: 3 });
}

const figureNames: Record<keyof LevelFigures, { readonly name: string; readonly unit: string }> = {
  firstFrameP50Ms: { name: 'first frame, median', unit: 'ms' },
  firstFrameP95Ms: { name: 'first frame, 95th percentile', unit: 'ms' },
  latencyP50Ms: { name: 'latency, median', unit: 'ms' },
  latencyP95Ms: { name: 'latency, 95th percentile', unit: 'ms' },
  stallRatio: { name: 'stalled time', unit: 'ratio' },
  startFailureRatio: { name: 'failed starts', unit: 'ratio' },
  playing: { name: 'viewers with a picture', unit: '' },
  receivedBps: { name: 'received in all', unit: 'bit/s' },
};

export function figureText(figure: keyof LevelFigures, value: number | null): string {
  return value === null ? '–' : formatValue(value, figureNames[figure].unit);
}

/** What a search came to, for somebody who never saw the tool: a word, and one or two sentences. */
export function answerWords(report: CapacityReport): { word: string; sentence: string } {
  const { answer, of, state } = report;
  if (state === 'failed')
    return {
      word: 'Failed',
      sentence: `The search could not go on. ${report.failure ?? ''}${soFar(report)}`.trim(),
    };
  if (state !== 'done')
    return { word: 'Not finished', sentence: `The search is not at its end.${soFar(report)}` };
  if (answer === null) return { word: 'No answer', sentence: 'No level was held.' };
  const capacity = answer.capacity === null ? '' : loadWords(answer.capacity, of);
  switch (answer.outcome) {
    case 'found':
      return {
        word: capacity,
        sentence: `This server carries ${capacity}${intervalWords(answer)}.`,
      };
    case 'at-least':
      return {
        word: `At least ${capacity}`,
        sentence: `This server carries at least ${capacity}, the largest load that was allowed; where it ends was not looked for.`,
      };
    case 'generator':
      return answer.capacity === null
        ? {
            word: 'Inconclusive',
            sentence:
              'The load generator, not the server, was the limit from the smallest load on, so nothing can be said about the server.',
          }
        : {
            word: `At least ${capacity}`,
            sentence:
              `This server carries at least ${capacity}; above that the load generator, not the server, was the limit. ${lastReasons(report)}`.trim(),
          };
    case 'none':
      return {
        word: 'None',
        sentence: `Not even the smallest load, ${loadWords(answer.limit?.load ?? report.search.granule, of)}, met the thresholds.`,
      };
  }
}

function intervalWords({ low, high, capacity }: Answer): string {
  if (high === null) return '';
  const from = low ?? 0;
  const numbers = [from, high].map(formatLoad);
  return from === capacity
    ? ` (${numbers[1]} were too many)`
    : ` (the limit lies between ${numbers[0]} and ${numbers[1]})`;
}

function soFar({ answer, of }: CapacityReport): string {
  if (answer?.capacity == null) return '';
  return ` So far: at least ${loadWords(answer.capacity, of)}.`;
}

function lastReasons({ levels }: CapacityReport): string {
  return levels.findLast(({ verdict }) => verdict === 'inconclusive')?.generator.reasons.join(' ') ?? '';
}

/** What is to be told after the answer: what was crossed first, what was short, the knee, how sure it is. */
export function detailWords(report: CapacityReport): string[] {
  const { answer, of } = report;
  if (answer === null) return [];
  const { limit, knee } = answer;
  return [
    ...(limit === null ? [] : crossedWords(limit.crossed, limit.objections, loadWords(limit.load, of))),
    ...(limit === null ? [] : [shortageWords(report)]),
    kneeWords(knee, of),
    confidenceWords(answer),
    ...requireWords(report),
  ].filter((sentence) => sentence !== '');
}

function crossedWords(
  crossed: readonly ThresholdResult[],
  objections: readonly string[],
  at: string,
): string[] {
  const [first, ...others] = crossed;
  if (!first) return objections.length > 0 ? [`At ${at}: ${objections.join(' ')}`] : [];
  const more = others.map((threshold) => {
    const { what, observed } = thresholdWords(threshold);
    return `${what.charAt(0).toLowerCase()}${what.slice(1)} (${observed})`;
  });
  const and = more.length > 0 ? ` So did ${more.join(', ')}.` : '';
  return [
    `First to cross, at ${at}: ${outcomeWords(first)}${and}${objections.map((text) => ` ${text}`).join('')}`,
  ];
}

function shortageWords({ answer, levels }: CapacityReport): string {
  const { limit, outcome } = answer!;
  // What the generator was short of is in its own reasons.
  if (outcome === 'generator') return '';
  if (limit!.shortage) return `What was short there: ${limit!.shortage.sentence}`;
  const there = levels.findLast(({ load }) => load === limit!.load);
  const cpu = there?.server['cpu'];
  return typeof cpu === 'number'
    ? `What was short there: neither CPU (${formatValue(cpu, 'ratio')} of a core) nor memory, files or connections of the server; perhaps the network, or a limit in its configuration.`
    : "What was short there: not known, because the server's own figures could not be read.";
}

function kneeWords(knee: Knee | null, of: LoadKind): string {
  if (knee === null) return 'No knee was seen: no figure turned upwards before the end.';
  const { name } = figureNames[knee.figure];
  return `The knee is at ${loadWords(knee.load, of)}: from there on ${name} (${figureText(knee.figure, knee.value)}) rises faster than the load.`;
}

function confidenceWords({ confidence, repeats, doubts }: Answer): string {
  const { good, bad } = repeats;
  const counts = [
    good.of > 0 ? `${good.agreed} of ${good.of} at the capacity` : '',
    bad.of > 0 ? `${bad.agreed} of ${bad.of} above it` : '',
  ].filter((text) => text !== '');
  return `Confidence: ${confidence}${counts.length > 0 ? ` (repeats that agreed: ${counts.join(', ')})` : ''}.${doubts.map((text) => ` ${text}`).join('')}`;
}

function requireWords({ require, answer, of }: CapacityReport): string[] {
  if (require === null) return [];
  const met = (answer?.capacity ?? 0) >= require;
  return [`Required were ${loadWords(require, of)}: ${met ? 'met' : 'not met'}.`];
}

export const verdictNames: Record<Level['verdict'], string> = {
  good: 'carried',
  bad: 'too much',
  inconclusive: 'not judged',
};

/** Why a level was too much or could not be judged, in short. */
export function reasonOf({ verdict, thresholds, objections, generator }: Level): string {
  if (verdict === 'inconclusive') return generator.reasons.join(' ');
  if (verdict === 'good') return '';
  return [...thresholds.filter(({ ok }) => !ok).map(outcomeWords), ...objections].join(' ');
}

/** `steady after 21 s`, `not steady after 60 s`. */
export function steadyWords({ steady, heldMs }: Level): string {
  return `${steady ? 'steady' : 'not steady'} after ${Math.round(heldMs / 1000)} s`;
}

/** Figures of a level in one line. */
export function levelLine(level: Level, of: LoadKind): string {
  const { figures } = level;
  const parts = [
    `first frame p95 ${figureText('firstFrameP95Ms', figures.firstFrameP95Ms)}`,
    ...(figures.latencyP95Ms === null
      ? []
      : [`latency p95 ${figureText('latencyP95Ms', figures.latencyP95Ms)}`]),
    `stalled ${figureText('stallRatio', figures.stallRatio)}`,
    `failed starts ${figureText('startFailureRatio', figures.startFailureRatio)}`,
  ];
  const reason = reasonOf(level);
  return `level ${level.number} · ${loadWords(level.load, of)} · ${verdictNames[level.verdict]} · ${steadyWords(level)} · ${parts.join(' · ')}${reason === '' ? '' : `\n    ${reason}`}`;
}
