import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CAPACITY_SCHEMA, type CapacityReport } from '../../metrics/capacity.ts';
import { CAPACITY_JSON } from '../../sinks/capacity/files.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';

/**
 * The search that a folder holds.
 * @throws CommandError with one sentence when there is none
 */
export async function readSearch(folder: string): Promise<CapacityReport> {
  const file = path.join(folder, CAPACITY_JSON);
  const refuse = (why: string): never => {
    throw new CommandError(exitCodes.invalidScenario, `There is no search to go on with: ${why}.`);
  };
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return refuse(code === 'ENOENT' ? `"${file}" does not exist` : message);
  }
  let report: CapacityReport;
  try {
    report = JSON.parse(text) as CapacityReport;
  } catch {
    return refuse(`"${file}" is not JSON`);
  }
  if (report?.schema !== CAPACITY_SCHEMA || !Array.isArray(report.levels))
    return refuse(`"${file}" is not a search that this version wrote (${CAPACITY_SCHEMA})`);
  return report;
}
