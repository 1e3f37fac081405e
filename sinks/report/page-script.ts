/**
 * The script of the report's page: draws the plots from the JSON that lies in the page. Plain JavaScript in a string,
 * because it runs in the reader's browser, from one file, without anything else of ours.
 */
export const pageScript = `
(() => {
  'use strict';
  const { plots, faults } = JSON.parse(document.getElementById('plot-data').textContent);
  const figures = new Map([...document.querySelectorAll('figure[data-plot]')].map((figure) => [figure.dataset.plot, figure]));
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const clock = (s) => Math.floor(s / 60) + ':' + String(Math.round(s % 60)).padStart(2, '0');
  const figure = (v, unit) =>
    v == null ? 'no data' : v.toLocaleString('en-US', { maximumFractionDigits: Math.abs(v) < 10 ? 2 : 0 }) + (unit ? ' ' + unit : '');
  const alone = (values) => values.flatMap((v, i) => (v != null && values[i - 1] == null && values[i + 1] == null ? [i] : []));
  const whole = [1, 2, 5].flatMap((step) => [...Array(7).keys()].map((power) => step * 10 ** power)).sort((a, b) => a - b);
  const charts = [];

  /** Dashed verticals where something was broken on purpose. */
  const drawFaults = (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = colour('--fail');
    ctx.setLineDash([3, 4]);
    for (const second of faults) {
      const x = Math.round(u.valToPos(second, 'x', true)) + 0.5;
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  };

  const draw = (plot) => {
    const box = figures.get(plot.id).querySelector('.plot');
    const readout = figures.get(plot.id).querySelector('.readout');
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--grid'), width: 1 }, ticks: { stroke: colour('--grid'), width: 1 } };
    const chart = new uPlot(
      {
        width: box.clientWidth,
        height: box.clientHeight,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false } },
        scales: {
          x: { time: false },
          // From zero, so that a small change does not look like a large one.
          y: { range: (_, min, max) => [Math.min(0, min ?? 0), max > 0 ? max * 1.1 : 1] },
        },
        axes: [
          { ...axis, size: 30, values: (_, ticks) => ticks.map(clock), incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400] },
          // Things that are counted have no fractions.
          { ...axis, size: 64, ...(plot.unit === '' ? { incrs: whole } : {}), values: (_, ticks) => ticks.map((v) => figure(v, '')) },
        ],
        series: [
          {},
          ...plot.lines.map((line) => ({
            stroke: colour('--line-' + (line.colour % 6)),
            width: line.dashed ? 1.5 : 2,
            dash: line.dashed ? [6, 4] : [],
            spanGaps: plot.marks,
            // A value between two gaps has no line: it needs a mark to be seen.
            points: plot.marks ? { show: true, size: 5 } : { show: true, filter: (u, s) => alone(u.data[s]) },
          })),
        ],
        hooks: {
          drawAxes: [drawFaults],
          setCursor: [
            (u) => {
              const i = u.cursor.idx;
              readout.textContent =
                i == null
                  ? ''
                  : 'at ' + clock(plot.seconds[i]) + ': ' + plot.lines.map((l) => l.label + ' ' + figure(l.values[i], plot.unit)).join(', ');
            },
          ],
        },
      },
      [plot.seconds, ...plot.lines.map((line) => line.values)],
      box,
    );
    charts.push({ chart, box });
  };

  const drawAll = () => {
    for (const { chart } of charts.splice(0)) chart.destroy();
    for (const plot of plots) draw(plot);
  };

  /** Arrow keys walk along a focused plot, Home and End jump; the line below reads out the values. */
  for (const [id, element] of figures) {
    const box = element.querySelector('.plot');
    box?.addEventListener('keydown', (event) => {
      const { chart } = charts.find((one) => one.box === box);
      const last = chart.data[0].length - 1;
      const at = chart.cursor.idx ?? 0;
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const x = chart.data[0][Math.max(0, Math.min(last, to))];
      chart.setCursor({ left: chart.valToPos(x, 'x'), top: 10 });
    });
  }

  drawAll();
  dark.addEventListener('change', drawAll);
  new ResizeObserver(() => {
    for (const { chart, box } of charts) if (box.clientWidth !== chart.width) chart.setSize({ width: box.clientWidth, height: box.clientHeight });
  }).observe(document.querySelector('main'));
})();
`;
