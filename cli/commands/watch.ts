import { behaviourNames, linkPresetNames, playerNames, protocols } from '../../scenarios/words.ts';
import { defineCommand, textsOf } from '../command.ts';
import {
  countFlag,
  durationFlag,
  influxdbFlag,
  influxdbOf,
  jsonFlag,
  repeatedFlag,
  targetFiguresFlag,
} from '../flag-types.ts';

export const watch = defineCommand({
  usage: 'watch <url..>',
  describe: 'Simulated viewers of any streams, ad hoc, with thresholds',
  positionals: {
    url: {
      type: 'string',
      describe:
        'rtmp(s)://…, http(s)://….flv, ws(s)://….flv or http(s)://….m3u8; {1..20} stands for twenty streams',
    },
  },
  options: {
    viewers: countFlag('How many viewers, dealt out evenly over the streams', 1, 1_000_000, '1 a stream'),
    ramp: durationFlag('Time over which they come', '0s'),
    duration: durationFlag('How long they watch', '30s'),
    protocol: { choices: protocols, describe: 'How they watch, where the URL does not tell' },
    player: { choices: playerNames, default: 'mpegts.js', describe: 'Player whose rules hold' },
    behaviour: {
      choices: behaviourNames,
      default: 'normal',
      describe: 'What the viewers do (docs/scenarios.md)',
    },
    reconnect: { type: 'boolean', default: true, describe: 'Viewers come back after a lost connection' },
    link: {
      type: 'string',
      requiresArg: true,
      describe: `Network of each viewer: down=3mbit,up=1mbit,delay=40ms,jitter=10ms,trace=FILE, or ${linkPresetNames.join(', ')}`,
      defaultDescription: 'as fast as the machine',
    },
    threshold: repeatedFlag("What must hold, e.g. 'first_frame_ms:p(95)<1500'"),
    insecure: { type: 'boolean', default: false, describe: 'Accept any TLS certificate' },
    out: {
      type: 'string',
      requiresArg: true,
      describe: 'Folder for the results',
      defaultDescription: 'runs/<time>-watch',
    },
    influxdb: influxdbFlag,
    'target-figures': targetFiguresFlag,
    json: jsonFlag('the summary'),
  },
  examples: [
    ['streamgauge watch rtmp://host/live/a', 'one viewer for half a minute'],
    ['streamgauge watch http://host:8000/live/a.flv --viewers 500 --ramp 20s --duration 2m', 'five hundred'],
    ['streamgauge watch http://host:8000/live/a.flv --viewers 50 --link 3g', 'as behind a mobile network'],
    [
      'streamgauge watch http://host/live/a.m3u8 --viewers 200',
      'HLS, TS or fMP4, adaptive, low latency where offered',
    ],
    ["streamgauge watch 'http://host/live/{1..20}.flv' --threshold 'first_frame_ms:p(95)<1500'", 'judged'],
    [
      "streamgauge watch http://host/live/a.flv --threshold 'stall_ratio{protocol:http-flv}:value<0.01' --json",
      'for scripts',
    ],
  ],
  run: async (flags, context) => {
    const { runWatch } = await import('../run/run-watch.ts');
    return runWatch(
      {
        urls: textsOf(flags['url']),
        viewers: flags.viewers,
        rampMs: flags.ramp,
        durationMs: flags.duration,
        player: flags.player,
        behaviour: flags.behaviour,
        protocol: flags.protocol,
        reconnect: flags.reconnect,
        link: flags.link,
        thresholds: flags.threshold ?? [],
        insecure: flags.insecure,
        out: flags.out,
        influxdb: influxdbOf(flags.influxdb),
        json: flags.json,
        targetFigures: flags['target-figures'],
      },
      context,
    );
  },
});
