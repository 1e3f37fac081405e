import { defineCommand } from '../command.ts';
import { jsonFlag } from '../flag-types.ts';

export const doctor = defineCommand({
  usage: 'doctor',
  describe: 'What this machine has and lacks: ffmpeg, k6, browser, file limit, ports, clock',
  positionals: {},
  options: { json: jsonFlag('the checks') },
  examples: [
    ['streamgauge doctor', 'before the first run, or when something does not work'],
    ['streamgauge doctor --json', 'for a bug report'],
  ],
  run: async (flags, context) => {
    const { runDoctor } = await import('../doctor/run-doctor.ts');
    return runDoctor({ json: flags.json }, context);
  },
});
