import { formatValue } from '../format.ts';
import { type Html, html } from './html.ts';
import type { Plot, PlotLine } from './plots.ts';
import { type Cell, table } from './table.ts';

/** The place of one plot: title, how to read it, legend, canvas, and its figures as a table for who cannot see it. */
export function plotFigure(plot: Plot): Html {
  const { id, title, unit, about, lines } = plot;
  const head = html`<h3>${title}${unit === '' ? null : html` <span class="muted">in ${unit}</span>`}</h3><p class="about">${about}</p>`;
  if (!lines.some((line) => line.values.some((value) => value !== null))) {
    return html`<figure class="card">${head}<p class="empty">No data: this was not measured in this run.</p></figure>`;
  }
  return html`<figure class="card" data-plot="${id}">${head}
<ul class="legend">${lines.map(legendEntry)}</ul>
<div class="plot" tabindex="0" role="img" aria-label="Plot of ${title} over time; arrow keys read out its values, the table below sums them up"></div>
<p class="readout" aria-live="polite"></p>
<details><summary>Figures</summary>${table(
    `${title}: lowest, mean and highest`,
    ['Line', ...['Lowest', 'Mean', 'Highest'].map((number) => ({ number }))],
    lines.map((line) => figures(line, unit)),
  )}</details>
</figure>`;
}

function legendEntry({ label, colour, dashed }: PlotLine): Html {
  return html`<li><svg viewBox="0 0 22 10" aria-hidden="true"><line x1="0" y1="5" x2="22" y2="5" style="stroke:var(--line-${colour % 6})" stroke-dasharray="${dashed ? '6 4' : 'none'}"/></svg>${label}</li>`;
}

function figures({ label, values }: PlotLine, unit: string): Cell[] {
  const known = values.filter((value) => value !== null);
  const show = (value: number): Cell => ({ number: known.length > 0 ? formatValue(value, unit) : 'no data' });
  return [
    label,
    show(known.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY)),
    show(known.reduce((sum, value) => sum + value, 0) / known.length),
    show(known.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY)),
  ];
}
