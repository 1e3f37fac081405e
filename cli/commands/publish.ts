import { defineCommand, textOf } from '../command.ts';
import { bitRateFlag, countFlag, durationFlag, jsonFlag, pictureSizeFlag } from '../flag-types.ts';

export const publish = defineCommand({
  usage: 'publish <url>',
  describe: 'Synthetic publishers to any server',
  positionals: {
    url: { type: 'string', describe: "rtmp(s)://… or http(s)://….flv (POST); {i} is the stream's number" },
  },
  options: {
    streams: countFlag('How many streams', 1, 10_000, '1'),
    source: {
      type: 'string',
      default: 'testcard',
      requiresArg: true,
      describe: 'testcard (encoded live), recording (encoded once, for many streams) or a media file',
    },
    bitrate: bitRateFlag('Bit rate of picture and sound together', '600k'),
    fps: countFlag('Pictures per second', 1, 120, '25'),
    size: pictureSizeFlag('Picture size', '640x360'),
    gop: durationFlag('Distance of key pictures', '2s'),
    ramp: durationFlag('Time over which the streams begin, evenly', '0s'),
    duration: durationFlag('How long', 'until Ctrl-C'),
    timeout: durationFlag('Longest wait for all streams to be up, after the ramp', '30s'),
    insecure: { type: 'boolean', default: false, describe: 'Accept any TLS certificate' },
    json: jsonFlag('a line when the streams are up, and one at the end'),
  },
  examples: [
    ['streamgauge publish rtmp://host/live/a', 'the test card until Ctrl-C'],
    ['streamgauge publish rtmp://host/live/room-{i} --streams 200 --source recording', 'two hundred streams'],
    ['streamgauge publish http://host:8000/live/a.flv', 'the same by HTTP-FLV POST'],
    [
      'streamgauge publish rtmp://host/live/talk --source talk.mp4 --duration 10m',
      'a file as live, in a loop',
    ],
  ],
  run: async (flags, context) => {
    const { runPublish } = await import('../publish/run-publish.ts');
    return runPublish(
      {
        url: textOf(flags['url']),
        streams: flags.streams ?? 1,
        source: flags.source,
        bitsPerSecond: flags.bitrate,
        fps: flags.fps,
        size: flags.size,
        gopMs: flags.gop,
        rampMs: flags.ramp,
        durationMs: flags.duration,
        timeoutMs: flags.timeout,
        insecure: flags.insecure,
        json: flags.json,
      },
      context,
    );
  },
});
