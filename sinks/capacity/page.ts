/** `capacity.html` as one text: the answer first, then the curves, then every level. No part of it needs the network. */
import type { CapacityReport, Level } from '../../metrics/capacity.ts';
import { formatDuration } from '../format.ts';
import { type Html, html, raw, scriptJson } from '../report/html.ts';
import { contentSecurityPolicy, inlineScript } from '../report/page-scripts.ts';
import { pageStyle } from '../report/page-style.ts';
import type { PlotLibrary } from '../report/plot-library.ts';
import { type Cell, table } from '../report/table.ts';
import { type Curves, curvesOf } from './curves.ts';
import { isResult, isText, levelCells, levelHead } from './markdown.ts';
import { capacityPageScript } from './page-script.ts';
import { answerWords, detailWords, loadWords } from './words.ts';

export const CAPACITY_HTML = 'capacity.html';

export function renderCapacityPage(report: CapacityReport, library: PlotLibrary): string {
  const { run, of } = report;
  const { word, sentence } = answerWords(report);
  const curves = curvesOf(report);
  const scripts = [library.script, capacityPageScript].map(inlineScript);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${word}: ${run.name}</title>
<style>${raw(library.style)}${raw(pageStyle)}${raw(ownStyle)}</style>
</head>
<body>
<main>
<header>
<p class="muted">Streamgauge capacity</p>
<h1>${run.name}</h1>
<p class="muted">${run.startedAt.slice(0, 19).replace('T', ' ')} UTC, ${formatDuration(run.durationMs)}${run.target ? html`, against ${run.target}` : null}</p>
</header>
<section class="verdict ${classOf(report)}" aria-label="Answer">
<div><strong>${word}</strong><p>${sentence}</p></div>
</section>
<div class="card"><ul class="details">${detailWords(report).map((text) => html`<li>${text}</li>`)}</ul></div>
<h2>Against ${of === 'viewers' ? 'viewers' : 'new sessions per second'}</h2>
<div class="plots">
${curves.length > 0 ? curves.map(figure) : html`<div class="card"><p class="empty">No data: no level was judged yet.</p></div>`}
</div>
<noscript><p class="empty">The plots need JavaScript; all figures are in the table.</p></noscript>
<h2>Levels</h2>
<div class="card">${levelTable(report)}</div>
<h2>What had to hold</h2>
<div class="card"><ul class="details">${report.thresholds.map((text) => html`<li><code>${text}</code></li>`)}</ul></div>
<h2>Environment</h2>
<div class="card"><dl class="facts">${[
    ['Search', run.id],
    ['Streamgauge', run.version],
    ['Machine', `${run.host.name}, ${run.host.os}`],
    ['Processor', `${run.host.cpus} × ${run.host.cpu}`],
    ['Node.js', run.host.node],
  ].map(([name, value]) => html`<dt>${name!}</dt><dd>${value!}</dd>`)}</dl>
<p class="muted">Beside this file: capacity.json, with every figure of every level.</p></div>
</main>
<script type="application/json" id="plot-data">${scriptJson({ plots: curves, marks: marksOf(report) })}</script>
${scripts.map((script) => html`<script>${raw(script)}</script>\n`)}</body>
</html>
`;
  return page.text;
}

const ownStyle = `
.details { padding-left: 20px; } .details li + li { margin-top: 6px; }
.plot { height: 260px; }
@media (min-width: 641px) { th, td { padding: 8px; overflow-wrap: normal; } td:last-child { min-width: 200px; overflow-wrap: anywhere; } }
`;

function classOf({ state, answer, exitCode }: CapacityReport): string {
  if (state !== 'done' || answer === null) return 'inconclusive';
  if (exitCode === 0) return 'pass';
  return answer.outcome === 'generator' ? 'inconclusive' : 'fail';
}

function figure({ id, title, unit, about, lines }: Curves): Html {
  return html`<figure class="card" data-plot="${id}"><h3>${title} <span class="muted">in ${unit}</span></h3><p class="about">${about}</p>
<ul class="legend">${lines.map(({ label }, index) => html`<li><svg viewBox="0 0 22 10" aria-hidden="true"><line x1="0" y1="5" x2="22" y2="5" style="stroke:var(--line-${index})"/></svg>${label}</li>`)}</ul>
<div class="plot" tabindex="0" role="img" aria-label="Plot of ${title} against load; arrow keys read out its values, the table of levels has them all"></div>
<p class="readout" aria-live="polite"></p>
</figure>`;
}

function levelTable(report: CapacityReport): Html {
  const states: Record<Level['verdict'], string> = { good: 'met', bad: 'crossed', inconclusive: 'unjudged' };
  return table(
    'Every load that was held, in order of time',
    levelHead(report).map((name, column): Cell => (isText(column) ? name : { number: name })),
    report.levels.map((level) =>
      levelCells(level).map((cell, column): Cell => {
        if (isResult(column)) return html`<span class="state ${states[level.verdict]}">${cell}</span>`;
        return isText(column) ? cell : { number: cell };
      }),
    ),
  );
}

function marksOf({ answer, of }: CapacityReport): { load: number; label: string; colour: string }[] {
  if (answer === null) return [];
  const { capacity, knee, outcome } = answer;
  const atLeast = outcome === 'found' ? '' : 'at least ';
  return [
    ...(capacity === null
      ? []
      : [{ load: capacity, label: `carried: ${atLeast}${loadWords(capacity, of)}`, colour: '--pass' }]),
    ...(knee === null
      ? []
      : [{ load: knee.load, label: `knee: ${loadWords(knee.load, of)}`, colour: '--warn' }]),
  ];
}
