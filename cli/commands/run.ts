import { defineCommand, textOf } from '../command.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { influxdbFlag, influxdbOf, jsonFlag, repeatedFlag, targetFiguresFlag } from '../flag-types.ts';
import { parseShard, parseStartAt } from '../run/shard.ts';

export const run = defineCommand({
  usage: 'run <file>',
  describe: 'Run a scenario and judge it',
  positionals: { file: { type: 'string', describe: 'Scenario: .yaml, .json or .ts' } },
  options: {
    set: repeatedFlag('Change a value of the scenario: key=value, e.g. viewers.0.viewers=500'),
    target: repeatedFlag('Test this server instead: rtmp://host:1935, http://host:8000'),
    out: {
      type: 'string',
      requiresArg: true,
      describe: 'Folder for the results',
      defaultDescription: 'runs/<time>-<name>',
    },
    influxdb: influxdbFlag,
    'target-figures': targetFiguresFlag,
    shard: {
      type: 'string',
      requiresArg: true,
      coerce: (text: string | undefined) => (text === undefined ? undefined : parseShard(text)),
      describe: 'Do one share of the run, number/count; the others run elsewhere (then: report merge)',
    },
    'start-at': {
      type: 'string',
      requiresArg: true,
      coerce: (text: string | undefined) => (text === undefined ? undefined : parseStartAt(text, Date.now())),
      describe: 'When the first viewer comes: 2026-11-23T18:00:00Z, or seconds since 1970',
    },
    ui: { type: 'boolean', default: false, describe: 'Live page in the browser (not in this version)' },
    json: jsonFlag('the summary'),
  },
  examples: [
    ['streamgauge run scenarios/smoke.yaml', 'the whole path on this machine in half a minute'],
    ['streamgauge run peak.yaml --set viewers.flv.viewers=500', 'with more viewers in the cohort "flv"'],
    ['streamgauge run peak.yaml --target rtmp://host:1935 --target http://host:8000', 'on another server'],
    ['streamgauge run peak.yaml --json | jq .verdict', 'for scripts'],
    [
      'streamgauge run peak.yaml --shard 2/4 --start-at 2026-11-23T18:00:00Z --out shard-2',
      'the second of four machines',
    ],
  ],
  run: async (flags, context) => {
    if (flags.ui)
      throw new CommandError(
        exitCodes.wrongUsage,
        '--ui: the live page is not there in this version; the report in the run folder is.',
      );
    const { runScenario } = await import('../run/run-scenario.ts');
    return runScenario(
      {
        file: textOf(flags['file']),
        overrides: flags.set ?? [],
        targets: flags.target ?? [],
        out: flags.out,
        influxdb: influxdbOf(flags.influxdb),
        json: flags.json,
        targetFigures: flags['target-figures'],
        shard: flags.shard,
        startAtMs: flags['start-at'],
      },
      context,
    );
  },
});
