/** Metrics, tags, thresholds and verdicts in words; the same in Markdown, JUnit and HTML. */
import { type MetricName, metricOf, type Tags } from '../metrics/catalogue.ts';
import type { Summary, Verdict } from '../metrics/summary.ts';
import type { ThresholdResult } from '../metrics/threshold.ts';
import { formatDuration, formatValue, plural } from './format.ts';
import { valuesIn } from './key-figures.ts';

const acronyms: Record<string, string> = {
  qoe: 'QoE',
  hls: 'HLS',
  ts: 'TS',
  fps: 'frame rate',
  gop: 'GOP',
  cpu: 'CPU',
  av: 'A/V',
  pdt: 'PDT',
  psnr: 'PSNR',
  ssim: 'SSIM',
  vmaf: 'VMAF',
  ttfb: 'TTFB',
};

/** Names that read badly word by word. */
const names: Partial<Record<MetricName, string>> = {
  stall_count: 'Stalls',
  stall_count_player: 'Stalls that a player reports',
  stall_ratio: 'Stalled time',
  rebuffer_ratio_conviva: 'Rebuffering ratio (Conviva)',
  sessions_started: 'Sessions',
  sessions_failed: 'Failed sessions',
  sessions_ended: 'Ended sessions',
  start_failure_ratio: 'Failed starts',
  play_failure_ratio: 'Failures while playing',
  exit_before_start_ratio: 'Exits before the start',
};

/** A metric's name in words: `first_frame_ms` → `First frame`, `received_bps` → `Received bitrate`. */
export function metricWords(name: MetricName): string {
  const known = names[name];
  if (known) return known;
  const { type } = metricOf(name);
  const words = name
    .replace(/_ms$/, type === 'counter' ? '_time' : '')
    .replace(/_bps$/, '_bitrate')
    .replace(/_db$/, '')
    .split('_')
    .map((word) => acronyms[word] ?? word)
    .join(' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Whose figures they are: `http-flv · live/a`; `all` without tags. */
export function tagWords(tags: Tags): string {
  const values = Object.values(tags);
  return values.length > 0 ? values.join(' · ') : 'all';
}

/** A judged threshold in words. */
export interface ThresholdWords {
  /** `First frame, 95th percentile` */
  readonly what: string;
  /** `http-flv · live/a` */
  readonly where: string;
  /** `< 1,500 ms` */
  readonly mustBe: string;
  /** `812 ms`, or `no data` */
  readonly observed: string;
}

export function thresholdWords({ metric, tags, expression, observed }: ThresholdResult): ThresholdWords {
  const [, aggregation = '', operator = '', limit = ''] = /^(.*?)([<>=!]+)(.*)$/.exec(expression) ?? [];
  const unit = unitOf(metric, aggregation);
  const signs: Record<string, string> = { '<=': '≤', '>=': '≥', '==': '=', '!=': '≠' };
  const which = aggregationWords(aggregation);
  return {
    what: which === '' ? metricWords(metric) : `${metricWords(metric)}, ${which}`,
    where: tagWords(tags),
    mustBe: `${signs[operator] ?? operator} ${formatValue(Number(limit), unit)}`,
    observed: formatValue(observed, unit),
  };
}

function unitOf(metric: MetricName, aggregation: string): string {
  const { type, unit } = metricOf(metric);
  if (type === 'trend' && aggregation === 'count') return '';
  if (type === 'counter' && aggregation === 'rate') return unit === '' ? '/s' : `${unit}/s`;
  return unit;
}

function aggregationWords(aggregation: string): string {
  const percentile = /^p\((.+)\)$/.exec(aggregation)?.[1];
  if (percentile) return `${ordinal(percentile)} percentile`;
  const words: Record<string, string> = {
    avg: 'mean',
    med: 'median',
    min: 'lowest',
    max: 'highest',
    count: 'number',
    rate: 'rate',
    value: '',
  };
  return words[aggregation] ?? aggregation;
}

function ordinal(text: string): string {
  if (/1[123]$/.test(text) || text.includes('.')) return `${text}th`;
  return `${text}${({ 1: 'st', 2: 'nd', 3: 'rd' } as Record<string, string>)[text.slice(-1)] ?? 'th'}`;
}

/** A verdict for somebody who never saw the tool: one word and one or two sentences. */
export function verdictWords(summary: Summary): { word: string; sentence: string } {
  const words: Record<Verdict, string> = {
    pass: 'Passed',
    fail: 'Failed',
    inconclusive: 'Inconclusive',
    error: 'Error',
  };
  if (summary.verdict === 'error' && summary.exitCode === STOPPED_BY_SIGNAL)
    return {
      word: 'Stopped',
      sentence:
        'The run was stopped before its end, so it was not judged. The figures are those of what had happened so far.',
    };
  const stopped =
    summary.exitCode === STOPPED_BY_SIGNAL
      ? ' The run was stopped early: the figures are those of what had happened so far.'
      : '';
  return { word: words[summary.verdict], sentence: reasonOfVerdict(summary) + stopped };
}

/** Exit code of the design: stopped by a signal. */
const STOPPED_BY_SIGNAL = 105;

function reasonOfVerdict({ verdict, thresholds, generator, errors }: Summary): string {
  const crossed = thresholds.filter((threshold) => !threshold.ok);
  switch (verdict) {
    case 'pass':
      if (thresholds.length === 0)
        return 'The run went through. No thresholds were set, so there was nothing to cross.';
      return thresholds.length === 1
        ? 'The threshold was met.'
        : `All ${thresholds.length} thresholds were met.`;
    case 'fail':
      return `${crossed.length} of ${plural(thresholds.length, 'threshold')} ${crossed.length === 1 ? 'was' : 'were'} crossed. ${crossed.slice(0, 2).map(outcomeWords).join(' ')}`;
    case 'inconclusive':
      return `${doubtWords(generator)}, so nothing can be said about the server. ${generator.reasons.join(' ')}`.trim();
    case 'error':
      return `The run did not work, so nothing can be said about the server. ${errors[0]?.example ?? ''}`.trim();
  }
}

/** What made the run inconclusive: the machine, or what the figures rest on. */
function doubtWords({ shortOf = [] }: Summary['generator']): string {
  const ofOthers = shortOf.filter((shortage) => shortage === 'clock' || shortage === 'source');
  if (ofOthers.length < shortOf.length || shortOf.length === 0)
    return 'The load generator, not the server, was the limit';
  if (!shortOf.includes('source')) return 'The clocks disagree';
  if (!shortOf.includes('clock')) return 'What was to be watched was not published any more';
  return 'Neither the clocks nor what was published can be relied on';
}

/** `First frame, 95th percentile (http-flv) was 2,310 ms; it must be < 1,500 ms.` */
export function outcomeWords(threshold: ThresholdResult): string {
  const { what, where, mustBe, observed } = thresholdWords(threshold);
  const subject = where === 'all' ? what : `${what} (${where})`;
  if (threshold.observed === null) return `${subject} was never measured.`;
  return `${subject} was ${observed}; it must be ${mustBe}.`;
}

/** How much was measured: `40 sessions, 30 s, 1 session failed.` */
export function extentWords(summary: Summary): string {
  const values = valuesIn(summary);
  const started = values('sessions_started')?.count ?? 0;
  const failed = values('sessions_failed')?.count ?? 0;
  const duration = formatDuration(summary.run.durationMs);
  if (started === 0)
    return `No viewer session was started${summary.run.durationMs < 1000 ? '' : ` in ${duration}`}.`;
  const end = failed === 0 ? 'none failed' : `${failed.toLocaleString('en-US')} failed`;
  return `${plural(started, 'viewer session')} in ${duration}, ${end}.`;
}
