import { open, rename } from 'node:fs/promises';
import path from 'node:path';
import type { CapacityReport } from '../../metrics/capacity.ts';
import { readPlotLibrary } from '../report/plot-library.ts';
import { reasonOf, writeResult } from '../result-file.ts';
import { CAPACITY_MD, renderCapacityMarkdown } from './markdown.ts';
import { CAPACITY_HTML, renderCapacityPage } from './page.ts';

export const CAPACITY_JSON = 'capacity.json';

/**
 * Writes `capacity.json`, whole or not at all, and onto the disk: what it says is still there after a power loss, when
 * the search goes on from it.
 * @throws Error with one clear sentence
 */
export async function writeCapacityJson(folder: string, report: CapacityReport): Promise<void> {
  const file = path.join(folder, CAPACITY_JSON);
  try {
    const unfinished = await open(`${file}.unfinished`, 'w');
    try {
      await unfinished.writeFile(renderCapacityJson(report));
      await unfinished.sync();
    } finally {
      await unfinished.close();
    }
    await rename(`${file}.unfinished`, file);
    // The new name is on the disk when the folder is.
    const entry = await open(folder, 'r');
    await entry.sync().finally(() => entry.close());
  } catch (error) {
    throw new Error(`Cannot write "${file}": ${reasonOf(error)}.`);
  }
}

export function renderCapacityJson(report: CapacityReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

/** Writes the reports for people. */
export async function writeCapacityReports(folder: string, report: CapacityReport): Promise<void> {
  await writeResult(folder, CAPACITY_MD, renderCapacityMarkdown(report));
  await writeResult(folder, CAPACITY_HTML, renderCapacityPage(report, await readPlotLibrary()));
}
