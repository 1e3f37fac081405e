import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** uPlot's script and style sheet, as they come in its package. */
export interface PlotLibrary {
  readonly script: string;
  readonly style: string;
}

/** For a page that opens offline. */
export async function readPlotLibrary(): Promise<PlotLibrary> {
  // Packages stay outside the bundle, so uPlot is found where Node finds it.
  const { resolve } = createRequire(import.meta.url);
  const [script, style] = await Promise.all([
    readFile(resolve('uplot/dist/uPlot.iife.min.js'), 'utf8'),
    readFile(resolve('uplot/dist/uPlot.min.css'), 'utf8'),
  ]);
  return { script: `/* uPlot, (c) Leon Sorokin, MIT licence */\n${script}`, style };
}
