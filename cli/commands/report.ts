import { defineCommand, textOf } from '../command.ts';
import { jsonFlag } from '../flag-types.ts';

export const report = defineCommand({
  usage: 'report <folder>',
  describe: "Make a run's reports anew, or query its store with SQL",
  positionals: { folder: { type: 'string', describe: 'Folder of a run' } },
  options: {
    sql: {
      type: 'string',
      requiresArg: true,
      describe: 'Query on the tables runs, sessions and series of run.duckdb',
    },
    json: jsonFlag("the query's rows, or the summary,"),
  },
  examples: [
    ['streamgauge report runs/20261123-181500-smoke', 'report.html, summary.md and junit.xml anew'],
    [
      'streamgauge report runs/… --sql "select protocol, count(*), median(first_frame_ms) from sessions group by 1"',
      'first frame by protocol',
    ],
  ],
  run: async (flags, context) => {
    const { runReport } = await import('../report/run-report.ts');
    return runReport({ folder: textOf(flags['folder']), sql: flags.sql, json: flags.json }, context);
  },
});
