import { defineCommand, textOf, textsOf } from '../command.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { jsonFlag } from '../flag-types.ts';

export const report = defineCommand({
  usage: 'report <folder> [shards..]',
  describe: "Make a run's reports anew, query its store with SQL, or merge the shards of a run",
  positionals: {
    folder: { type: 'string', describe: 'Folder of a run; or the word merge' },
    shards: { type: 'string', array: true, describe: 'After merge: the folders of all shards of a run' },
  },
  options: {
    sql: {
      type: 'string',
      requiresArg: true,
      describe: 'Query on the tables runs, sessions and series of run.duckdb',
    },
    out: {
      type: 'string',
      requiresArg: true,
      describe: 'After merge: folder for the merged run',
      defaultDescription: 'runs/<time>-<name>',
    },
    json: jsonFlag("the query's rows, or the summary,"),
  },
  examples: [
    ['streamgauge report runs/20261123-181500-smoke', 'report.html, summary.md and junit.xml anew'],
    [
      'streamgauge report runs/… --sql "select protocol, count(*), median(first_frame_ms) from sessions group by 1"',
      'first frame by protocol',
    ],
    ['streamgauge report merge shard-1 shard-2 shard-3 --out whole', 'one run of its shards, judged'],
  ],
  run: async (flags, context) => {
    const folder = textOf(flags['folder']);
    const shards = textsOf(flags['shards']);
    const { sql, out, json } = flags;
    if (folder === 'merge') {
      if (sql !== undefined) wrongUsage('--sql asks one run; merge first, then ask the merged one');
      const { runMerge } = await import('../report/run-report.ts');
      return runMerge({ shards, out, json }, context);
    }
    if (shards.length > 0)
      wrongUsage(`"${shards[0]}" is one folder too many; to merge shards, begin with the word merge`);
    if (out !== undefined) wrongUsage('--out goes with merge; the reports of one run are made where it is');
    const { runReport } = await import('../report/run-report.ts');
    return runReport({ folder, sql, json }, context);
  },
});

function wrongUsage(sentence: string): never {
  throw new CommandError(exitCodes.wrongUsage, `${sentence}.`);
}
