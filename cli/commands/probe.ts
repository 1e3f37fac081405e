import { defineCommand, textsOf } from '../command.ts';
import { durationFlag, jsonFlag } from '../flag-types.ts';

export const probe = defineCommand({
  usage: 'probe <url..>',
  describe: 'Look at streams once, in depth; prints a diagnosis',
  positionals: { url: { type: 'string', describe: 'rtmp(s)://…, http(s)://….flv or ws(s)://….flv' } },
  options: {
    for: durationFlag('How long to look once a picture is there  [default: 10s]'),
    insecure: { type: 'boolean', default: false, describe: 'Accept any TLS certificate' },
    json: jsonFlag('the findings'),
  },
  examples: [
    ['streamgauge probe rtmp://host/live/a', 'what it is, and what is wrong with it'],
    [
      'streamgauge probe http://host/live/a.flv rtmp://host/live/a --for 30s',
      'two ways to one stream, longer',
    ],
    ['streamgauge probe http://host/live/a.flv --json | jq .[0].findings', 'for scripts'],
  ],
  run: async (flags, context) => {
    const { runProbe } = await import('../probe/run-probe.ts');
    return runProbe(
      { urls: textsOf(flags['url']), forMs: flags.for, insecure: flags.insecure, json: flags.json },
      context,
    );
  },
});
