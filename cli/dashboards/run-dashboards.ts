import { type DashboardOptions, staleDashboards, writeDashboards } from '../../dashboards/generate.ts';
import type { Context } from '../command.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';

export interface DashboardsFlags {
  readonly action: 'build' | 'check';
  readonly out: string;
  readonly runbooksUrl: string | undefined;
  readonly dashboardsPath: string | undefined;
}

/** `streamgauge dashboards`: paths go to standard output, a line each; 1 when a check finds stale ones. */
export async function runDashboards(
  flags: DashboardsFlags,
  { terminal }: Pick<Context, 'terminal'>,
): Promise<ExitCode> {
  const { action, out, runbooksUrl, dashboardsPath } = flags;
  const options: DashboardOptions = {
    ...(runbooksUrl !== undefined && { runbooksUrl: runbooksUrl.replace(/\/+$/, '') }),
    ...(dashboardsPath !== undefined && { dashboardsPath }),
  };
  if (action === 'build') {
    const written = await writeDashboards(out, options).catch((error: NodeJS.ErrnoException) => {
      throw new CommandError(
        exitCodes.unexpectedFailure,
        `The folder ${out} cannot be written (${error.code}): make it writable, or name another with --out.`,
      );
    });
    for (const file of written) terminal.out(`${out}/${file}\n`);
    return exitCodes.passed;
  }
  const stale = await staleDashboards(out, options);
  for (const file of stale) terminal.out(`${out}/${file}\n`);
  if (stale.length === 0) return exitCodes.passed;
  terminal.say(`${stale.length} of these files are not what the sources give: streamgauge dashboards build.`);
  return exitCodes.unexpectedFailure;
}
