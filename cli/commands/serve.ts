import { defineCommand } from '../command.ts';
import { countFlag, durationFlag, jsonFlag } from '../flag-types.ts';

export const serve = defineCommand({
  usage: 'serve',
  describe: 'The reference stack: a streaming server to try things on',
  positionals: {},
  options: {
    config: { type: 'string', requiresArg: true, describe: 'Configuration file (YAML); flags override it' },
    host: {
      type: 'string',
      requiresArg: true,
      describe: 'Address to listen on',
      defaultDescription: '127.0.0.1',
    },
    'rtmp-port': countFlag('RTMP port, 0 for any that is free', 0, 65_535, '1935'),
    'http-port': countFlag('HTTP-FLV port, 0 for any that is free', 0, 65_535, '8000'),
    'hls-port': countFlag('HLS port, 0 for any that is free', 0, 65_535, '8080; any if --http-port is 0'),
    sign: {
      type: 'string',
      requiresArg: true,
      describe: "Start nothing: print this stream's URLs, signed with the configuration's secrets",
    },
    for: durationFlag('How long those URLs are good', '1h'),
    json: jsonFlag('one line when it is ready, with its addresses,'),
  },
  examples: [
    ['streamgauge serve', 'on rtmp://127.0.0.1:1935, http://127.0.0.1:8000 and :8080 (HLS) until Ctrl-C'],
    ['streamgauge serve --rtmp-port 0 --http-port 0 --json', 'on free ports, for scripts'],
    ['streamgauge serve --host 0.0.0.0', 'for the network'],
    ['streamgauge serve --config serve.yaml --sign live/room --for 8h', 'signed URLs to publish and play it'],
  ],
  run: async (flags, context) => {
    const { runServe } = await import('../serve/run-serve.ts');
    return runServe(
      {
        config: flags.config,
        host: flags.host,
        rtmpPort: flags['rtmp-port'],
        httpPort: flags['http-port'],
        hlsPort: flags['hls-port'],
        sign: flags.sign,
        forMs: flags.for,
        json: flags.json,
      },
      context,
    );
  },
});
