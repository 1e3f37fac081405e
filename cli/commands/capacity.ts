import { playerNames } from '../../scenarios/words.ts';
import { defineCommand, textsOf } from '../command.ts';
import { countFlag, durationFlag, jsonFlag, repeatedFlag } from '../flag-types.ts';

/** A load, which may be a fraction where it is a rate. */
const loadFlag = (describe: string, defaultDescription: string) => ({
  type: 'number' as const,
  requiresArg: true,
  describe,
  defaultDescription,
  coerce: (load: number | undefined) => {
    if (load !== undefined && !(load > 0 && load <= 1_000_000))
      throw new Error('a number above 0, up to 1,000,000, is wanted');
    return load;
  },
});

export const capacity = defineCommand({
  usage: 'capacity [url..]',
  describe: 'Find the largest load that still meets the thresholds',
  positionals: {
    url: {
      type: 'string',
      describe: 'What is watched, as for watch; {1..20} stands for twenty streams',
    },
  },
  options: {
    scenario: {
      type: 'string',
      requiresArg: true,
      describe: 'Take publishers, cohorts and thresholds from a scenario; its loads are raised in proportion',
    },
    set: repeatedFlag('Change a value of the scenario: key=value'),
    of: {
      choices: ['viewers', 'arrival-rate'] as const,
      describe: 'What is raised: viewers at a time, or new sessions per second',
      defaultDescription: 'viewers, or what the scenario has',
    },
    start: loadFlag('The first load', '10 viewers, or 1 per second'),
    max: loadFlag('The largest load', '100000'),
    step: {
      type: 'string',
      requiresArg: true,
      describe: 'To the next load while all is well: x2, x1.5, +50',
      defaultDescription: 'x2',
    },
    resolution: {
      type: 'string',
      requiresArg: true,
      describe: 'How exactly the limit is wanted: 5% of the load, or a number',
      defaultDescription: '5%',
    },
    repeats: countFlag('Results that must agree at both ends of the answer', 1, 5, '2'),
    patience: countFlag(
      'How often a load is held again while the generator is too busy to judge it',
      1,
      20,
      '3',
    ),
    hold: durationFlag('How long each load is held at least', '20s'),
    'max-hold': durationFlag('… and at most, while figures do not come to rest', '3 × hold'),
    ramp: durationFlag('Time over which the viewers of a load come', '10s'),
    rest: durationFlag('Time without viewers between two loads', '2s'),
    watch: durationFlag('How long a session lasts', 'to the end; 10s with --of arrival-rate'),
    player: { choices: playerNames, default: 'mpegts.js', describe: 'Player whose rules hold' },
    threshold: repeatedFlag("What must hold, e.g. 'first_frame_ms:p(95)<1500', instead of the usual"),
    require: loadFlag('The load that has to be carried; exit code 99 if it is not', 'none'),
    insecure: { type: 'boolean', default: false, describe: 'Accept any TLS certificate' },
    out: {
      type: 'string',
      requiresArg: true,
      describe: 'Folder for the results',
      defaultDescription: 'runs/<time>-capacity',
    },
    resume: {
      type: 'string',
      requiresArg: true,
      describe: 'Go on with the search in this folder',
    },
    json: jsonFlag('capacity.json'),
  },
  examples: [
    ['streamgauge capacity http://host:8000/live/a.flv', 'how many viewers a server carries'],
    ['streamgauge capacity rtmp://host/live/a --start 200 --resolution 2% --hold 60s', 'more exactly'],
    ['streamgauge capacity http://host/live/a.flv --of arrival-rate', 'how many new sessions per second'],
    ['streamgauge capacity --scenario evening.yaml --require 500', 'for CI: 99 if it carries fewer'],
    ['streamgauge capacity --resume runs/20261123-181500-capacity', 'goes on where it was stopped'],
  ],
  run: async (flags, context) => {
    const { runCapacity } = await import('../capacity/run-capacity.ts');
    return runCapacity(
      {
        urls: textsOf(flags['url']),
        scenario: flags.scenario,
        overrides: flags.set ?? [],
        of: flags.of,
        start: flags.start,
        max: flags.max,
        step: flags.step,
        resolution: flags.resolution,
        repeats: flags.repeats,
        patience: flags.patience,
        holdMs: flags.hold,
        maxHoldMs: flags['max-hold'],
        rampMs: flags.ramp,
        restMs: flags.rest,
        watchMs: flags.watch,
        player: flags.player,
        thresholds: flags.threshold ?? [],
        require: flags.require,
        insecure: flags.insecure,
        out: flags.out,
        resume: flags.resume,
        json: flags.json,
      },
      context,
    );
  },
});
