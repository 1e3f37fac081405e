/** What nginx-rtmp's statistics page says of one stream. */
export interface NginxStream {
  readonly name: string;
  /** Since the publisher came. */
  readonly ageMs: number;
  /** RTMP payload from the publisher, and to all players that there ever were. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly players: number;
  readonly publishers: number;
  /** As nginx reads it from the parameter sets: null before they came. */
  readonly video: {
    readonly width: number;
    readonly height: number;
    readonly fps: number;
    readonly codec: string;
    readonly profile: string;
    readonly level: string;
  } | null;
  readonly audio: {
    readonly codec: string;
    readonly profile: string;
    readonly channels: number;
    readonly sampleRate: number;
  } | null;
}

/** Reads the streams of a statistics page (XML, written by nginx and by nobody else). */
export function readStatistics(xml: string): Map<string, NginxStream> {
  const streams = elements(xml, 'stream').map(readStream);
  return new Map(streams.map((stream) => [stream.name, stream]));
}

function readStream(xml: string): NginxStream {
  const clients = elements(xml, 'client');
  const publishers = clients.filter((client) => client.includes('<publishing/>')).length;
  // Clients have a <time> of their own.
  const own = clients.reduce((rest, client) => rest.replace(client, ''), xml);
  const [video] = elements(own, 'video');
  const [audio] = elements(own, 'audio');
  return {
    name: text(own, 'name'),
    ageMs: Number(text(own, 'time')),
    bytesIn: Number(text(own, 'bytes_in')),
    bytesOut: Number(text(own, 'bytes_out')),
    players: clients.length - publishers,
    publishers,
    video:
      video === undefined
        ? null
        : {
            width: Number(text(video, 'width')),
            height: Number(text(video, 'height')),
            fps: Number(text(video, 'frame_rate')),
            codec: text(video, 'codec'),
            profile: text(video, 'profile'),
            level: text(video, 'level'),
          },
    audio:
      audio === undefined
        ? null
        : {
            codec: text(audio, 'codec'),
            profile: text(audio, 'profile'),
            channels: Number(text(audio, 'channels')),
            sampleRate: Number(text(audio, 'sample_rate')),
          },
  };
}

function elements(xml: string, name: string): string[] {
  return Array.from(xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs')), ([, inside]) => inside!);
}

function text(xml: string, name: string): string {
  return elements(xml, name)[0] ?? '';
}
