/**
 * The script of the capacity report's page: draws figures against load, with the capacity and the knee marked. Plain
 * JavaScript in a string, because it runs in the reader's browser, from one file, without anything else of ours.
 */
export const capacityPageScript = `
(() => {
  'use strict';
  const { plots, marks } = JSON.parse(document.getElementById('plot-data').textContent);
  const figures = new Map([...document.querySelectorAll('figure[data-plot]')].map((figure) => [figure.dataset.plot, figure]));
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = (v) => (v == null ? 'no data' : v.toLocaleString('en-US', { maximumFractionDigits: Math.abs(v) < 10 ? 2 : 0 }));
  const exact = (v) => v.toLocaleString('en-US', { maximumFractionDigits: 6 });
  const charts = [];
  // Half a viewer is no place on an axis.
  const wholeSteps = [1, 10, 100, 1e3, 1e4, 1e5].flatMap((power) => [power, 2 * power, 5 * power]);

  /** Verticals with a word each: what is carried, where it turns. */
  const drawMarks = (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.font = Math.round(12 * devicePixelRatio) + 'px system-ui, sans-serif';
    marks.forEach(({ load, label, colour: name }, row) => {
      const x = Math.round(u.valToPos(load, 'x', true)) + 0.5;
      if (x < bbox.left || x > bbox.left + bbox.width + 1) return;
      ctx.strokeStyle = ctx.fillStyle = colour(name);
      ctx.lineWidth = 1.5 * devicePixelRatio;
      ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const left = x > bbox.left + bbox.width / 2;
      ctx.textAlign = left ? 'right' : 'left';
      ctx.fillText(label, x + (left ? -6 : 6) * devicePixelRatio, bbox.top + (14 + 16 * row) * devicePixelRatio);
    });
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
          x: { time: false, range: (_, min, max) => [0, Math.max(max, min + 1) * 1.04] },
          // Room above the lines for the words of the marks.
          y: { range: (_, min, max) => [Math.min(0, min ?? 0), max > 0 ? max * (1.05 + 0.12 * marks.length) : 1] },
        },
        axes: [
          { ...axis, ...(plot.loads.every(Number.isInteger) && { incrs: wholeSteps }), size: 30, values: (_, ticks) => ticks.map(exact) },
          { ...axis, size: 64, values: (_, ticks) => ticks.map(exact) },
        ],
        series: [
          {},
          ...plot.lines.map((line, i) => ({
            stroke: colour('--line-' + i),
            width: 2,
            spanGaps: true,
            points: { show: true, size: 6, fill: colour('--line-' + i) },
          })),
        ],
        hooks: {
          draw: [drawMarks],
          setCursor: [
            (u) => {
              const i = u.cursor.idx;
              readout.textContent =
                i == null
                  ? ''
                  : 'at ' + number(plot.loads[i]) + ': ' + plot.lines.map((l) => l.label + ' ' + number(l.values[i]) + ' ' + plot.unit).join(', ');
            },
          ],
        },
      },
      [plot.loads, ...plot.lines.map((line) => line.values)],
      box,
    );
    charts.push({ chart, box });
  };

  const drawAll = () => {
    for (const { chart } of charts.splice(0)) chart.destroy();
    for (const plot of plots) draw(plot);
  };

  for (const element of figures.values()) {
    const box = element.querySelector('.plot');
    box.addEventListener('keydown', (event) => {
      const { chart } = charts.find((one) => one.box === box);
      const last = chart.data[0].length - 1;
      const at = chart.cursor.idx ?? 0;
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      chart.setCursor({ left: chart.valToPos(chart.data[0][Math.max(0, Math.min(last, to))], 'x'), top: 10 });
    });
  }

  drawAll();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  new ResizeObserver(() => {
    for (const { chart, box } of charts) if (box.clientWidth !== chart.width) chart.setSize({ width: box.clientWidth, height: box.clientHeight });
  }).observe(document.querySelector('main'));
})();
`;
