/** `report.html` as one text: verdict first, then why, then the details. No part of it needs the network. */
import { findMetric, type MetricName } from '../../metrics/catalogue.ts';
import type { Summary, Verdict } from '../../metrics/summary.ts';
import { selectorText } from '../../metrics/threshold.ts';
import { formatDuration, formatPair, formatValue } from '../format.ts';
import { type FailureCount, failureCounts, type KeyFigures, keyFigures, worstRows } from '../key-figures.ts';
import { generatorWords, serverWords } from '../machine-words.ts';
import { extentWords, metricWords, tagWords, thresholdWords, verdictWords } from '../words.ts';
import { type Html, html, raw, scriptJson } from './html.ts';
import { pageScript } from './page-script.ts';
import { contentSecurityPolicy, inlineScript } from './page-scripts.ts';
import { pageStyle } from './page-style.ts';
import { plotFigure } from './plot-figure.ts';
import type { PlotLibrary } from './plot-library.ts';
import type { Plot } from './plots.ts';
import { type Cell, table } from './table.ts';

/** More rows than this and nobody reads the table. */
const MOST_ROWS = 60;

export function renderReport(summary: Summary, plots: readonly Plot[], library: PlotLibrary): string {
  const { run } = summary;
  const drawn = plots.filter((plot) => plot.lines.length > 0);
  const scripts = [library.script, pageScript].map(inlineScript);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${verdictWords(summary).word}: ${run.name}</title>
<style>${raw(library.style)}${raw(pageStyle)}</style>
</head>
<body>
<main>
<header>
<p class="muted">Streamgauge report</p>
<h1>${run.name}</h1>
<p class="muted">${utc(run.startedAt)}, ${formatDuration(run.durationMs)}${run.target ? html`, against ${run.target}` : null}</p>
</header>
${verdictSection(summary)}
${tiles(summary)}
${thresholdSection(summary)}
${streamSection(summary)}
${failureSection(failureCounts(summary))}
${faultSection(summary)}
<h2>Over time</h2>
<div class="plots">
${plots.filter((plot) => plot.of === 'viewers').map(plotFigure)}
${plots.filter((plot) => plot.of === 'target' && plot.lines.length > 0).map(plotFigure)}
</div>
<noscript><p class="empty">The plots need JavaScript; all figures are in the tables.</p></noscript>
${errorSection(summary)}
${serverSection(summary)}
${generatorSection(summary, plots)}
${environmentSection(summary)}
${wordsSection(summary)}
</main>
<script type="application/json" id="plot-data">${scriptJson({ plots: drawn, faults: summary.faults.map(({ atMs }) => atMs / 1000) })}</script>
${scripts.map((script) => html`<script>${raw(script)}</script>\n`)}</body>
</html>
`;
  return page.text;
}

const marks: Record<Verdict, string> = {
  pass: 'M5 13l5 5L20 7',
  fail: 'M6 6l12 12M18 6L6 18',
  inconclusive: 'M12 5v9M12 19v.01',
  error: 'M12 5v9M12 19v.01',
};

function verdictSection(summary: Summary): Html {
  const { word, sentence } = verdictWords(summary);
  return html`<section class="verdict ${summary.verdict}" aria-label="Verdict">
<span class="mark" aria-hidden="true"><svg viewBox="0 0 24 24"><path d="${marks[summary.verdict]}"/></svg></span>
<div><strong>${word}</strong><p>${sentence} ${extentWords(summary)}</p></div>
</section>`;
}

function tiles(summary: Summary): Html | null {
  const whole = keyFigures(summary).find((row) => Object.keys(row.tags).length === 0);
  if (!whole) return null;
  const tile = (name: string, figure: string, note: string) =>
    html`<dl class="tile"><dt>${name}</dt><dd>${figure}</dd><dd>${note}</dd></dl>`;
  const median = (values: KeyFigures['latency']) => formatValue(values?.med, 'ms');
  const p95 = (values: KeyFigures['latency']) =>
    values ? `median; p95 ${formatValue(values.p95, 'ms')}` : '';
  const failedShare = whole.started > 0 ? ` (${formatValue(whole.failed / whole.started, 'ratio')})` : '';
  return html`<div class="tiles">
${tile('First frame', median(whole.firstFrame), p95(whole.firstFrame))}
${tile('Latency', median(whole.latency), p95(whole.latency))}
${tile('Stalled time', formatValue(whole.stallRatio, 'ratio'), `${whole.stalls.toLocaleString('en-US')} stalls`)}
${tile('Received bitrate', formatValue(whole.receivedBps, 'bit/s'), 'per viewer')}
${tile('Sessions', whole.started.toLocaleString('en-US'), `${whole.failed.toLocaleString('en-US')} failed${failedShare}`)}
</div>`;
}

function thresholdSection({ thresholds, verdict }: Summary): Html {
  const judged = verdict === 'pass' || verdict === 'fail';
  const rows = thresholds.map((threshold): Cell[] => {
    const { what, where, mustBe, observed } = thresholdWords(threshold);
    const kind = judged ? (threshold.ok ? 'met' : 'crossed') : 'unjudged';
    const state = threshold.observed === null ? 'no data' : judged ? kind : 'not judged';
    return [
      html`<span class="state ${kind}">${state}</span>`,
      html`${what}<code>${selectorText(threshold.metric, threshold.tags)} ${threshold.expression}</code>`,
      where,
      { number: observed },
      { number: mustBe },
    ];
  });
  return html`<h2>Thresholds</h2>
<div class="card">${
    rows.length > 0
      ? table(
          'What the run was judged by',
          ['Result', 'Figure', 'Where', { number: 'Observed' }, { number: 'Must be' }],
          rows,
        )
      : html`<p class="empty">No thresholds were set, so the run was not judged by any figure.</p>`
  }</div>`;
}

function streamSection(summary: Summary): Html {
  const { rows, leftOut } = worstRows(keyFigures(summary), MOST_ROWS);
  if (rows.length === 0) {
    return html`<h2>Streams</h2><div class="card"><p class="empty">No data: nothing was measured on any stream.</p></div>`;
  }
  const pair = (values: KeyFigures['latency']): Cell => ({
    number: formatPair(values?.med, values?.p95, 'ms'),
  });
  const cells = rows.map((row): Cell[] => [
    tagWords(row.tags),
    { number: row.started.toLocaleString('en-US') },
    { number: row.failed.toLocaleString('en-US') },
    pair(row.firstFrame),
    pair(row.latency),
    { number: row.stalls.toLocaleString('en-US') },
    { number: formatValue(row.stallRatio, 'ratio') },
    { number: formatValue(row.receivedBps, 'bit/s') },
  ]);
  const head = [
    'Viewers of',
    ...[
      'Sessions',
      'Failed',
      'First frame, median / p95',
      'Latency, median / p95',
      'Stalls',
      'Stalled time',
      'Bitrate',
    ].map((number) => ({ number })),
  ];
  const whole = rows.map((row) => row.tags.stream === undefined);
  return html`<h2>Streams</h2>
<div class="card">${table('Figures of all viewers, by protocol and by stream', head, cells, (row) => (whole[row] ? 'whole' : ''))}${
    leftOut > 0
      ? html`<p class="muted">The ${rows.length} rows where it went worst. ${leftOut} more are in summary.json.</p>`
      : null
  }</div>`;
}

function failureSection(failures: readonly FailureCount[]): Html | null {
  if (failures.length === 0) return null;
  const rows = failures
    .slice(0, MOST_ROWS)
    .map(({ reason, tags, count }): Cell[] => [
      reason,
      tagWords(tags),
      { number: count.toLocaleString('en-US') },
    ]);
  return html`<h2>Failed sessions</h2>
<div class="card">${table('Sessions that failed, by reason', ['Reason', 'Viewers of', { number: 'Sessions' }], rows)}</div>`;
}

function faultSection({ faults }: Summary): Html | null {
  if (faults.length === 0) return null;
  const rows = faults.map(({ atMs, kind, detail, durationMs }): Cell[] => [
    `after ${formatDuration(atMs)}`,
    kind,
    detail,
    { number: durationMs === undefined ? '' : formatDuration(durationMs) },
  ]);
  return html`<h2>Faults made on purpose</h2>
<div class="card">${table('Dashed verticals in the plots', ['When', 'Kind', 'What', { number: 'For' }], rows)}</div>`;
}

function errorSection({ errors }: Summary): Html | null {
  if (errors.length === 0) return null;
  const rows = errors
    .slice(0, MOST_ROWS)
    .map(({ code, count, example }): Cell[] => [
      html`<code>${code}</code>`,
      { number: count.toLocaleString('en-US') },
      example,
    ]);
  return html`<h2>Errors</h2>
<div class="card">${table('Errors of the run, each with an example', ['Code', { number: 'Count' }, 'Example'], rows)}</div>`;
}

function generatorSection({ generator }: Summary, plots: readonly Plot[]): Html {
  const { valid, reasons, cpu, eventLoopLagMs, seconds, invalidSeconds, droppedStarts, workers } = generator;
  const judgement = !valid
    ? reasons.map((reason) => html`<p><span class="state crossed">Not valid.</span> ${reason}</p>`)
    : seconds > 0
      ? html`<p>The load generator had room to spare: the figures are the server’s.</p>`
      : html`<p class="muted">No data: the load generator did not run for a whole second.</p>`;
  return html`<h2>Load generator</h2>
<div class="card">${judgement}
${facts([
  ['CPU of the busiest worker', formatValue(cpu, 'ratio')],
  ['Event-loop lag, p99', formatValue(eventLoopLagMs, 'ms')],
  ['Invalid seconds', `${invalidSeconds.toLocaleString('en-US')} of ${seconds.toLocaleString('en-US')}`],
  ['Starts that could not be made', droppedStarts.toLocaleString('en-US')],
  ...(workers === undefined ? [] : [['Workers', String(workers)] as const]),
  ...generatorWords(generator),
])}</div>
<div class="plots">
${plots.filter((plot) => plot.of === 'generator').map(plotFigure)}
</div>`;
}

/** What was read of the server under test; nothing where it could not be read. */
function serverSection({ server }: Summary): Html | null {
  const rows = serverWords(server);
  if (rows.length === 0) return null;
  const { readFrom } = server;
  return html`<h2>Server under test</h2>
<div class="card">${table(
    'Figures of the server under test over the run',
    ['Figure', { number: 'Mean' }, { number: 'Highest second' }],
    rows.map(({ name, mean, highest }): Cell[] => [name, { number: mean }, { number: highest }]),
  )}${typeof readFrom === 'string' ? html`<p class="muted">Read from ${readFrom}.</p>` : null}</div>`;
}

function environmentSection({ run }: Summary): Html {
  const { host } = run;
  return html`<h2>Environment</h2>
<div class="card">${facts([
    ['Run', run.id],
    ['Began', utc(run.startedAt)],
    ['Streamgauge', run.version],
    ['Machine', `${host.name}, ${host.os}`],
    ['Processor', `${host.cpus} × ${host.cpu}`],
    ['Memory', formatValue(host.memoryBytes, 'bytes')],
    ['Node.js', host.node],
    ...Object.entries(run.environment ?? {}),
  ])}
<p class="muted">Beside this file: run.duckdb (each session and each second, for SQL), summary.json, scenario.json.</p></div>`;
}

function wordsSection({ thresholds }: Summary): Html {
  const shown: MetricName[] = ['first_frame_ms', 'latency_ms', 'stall_count', 'stall_ratio', 'received_bps'];
  const names = new Set([...shown, ...thresholds.map(({ metric }) => metric)]);
  const entries = [...names].map((name) => [metricWords(name), findMetric(name)?.help ?? '', name] as const);
  return html`<h2>What the words mean</h2>
<div class="card"><dl class="words">
${entries.map(([words, help, name]) => html`<dt>${words} <code>${name}</code></dt><dd>${help}</dd>`)}
<dt>Median, p95</dt><dd>Half of the viewers, and 95 of 100 viewers, had this figure or a better one.</dd>
</dl></div>`;
}

function facts(pairs: readonly (readonly [string, string])[]): Html {
  return html`<dl class="facts">${pairs.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

/** `2026-11-23 18:09:12 UTC`; the text itself where it is no time. */
function utc(iso: string): string {
  const time = Date.parse(iso);
  return Number.isNaN(time) ? iso : `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
