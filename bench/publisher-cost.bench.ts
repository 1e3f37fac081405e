/**
 * What publishing a replayed stream costs: CPU of a process that publishes N stamped streams over RTMP to a server in
 * another process, against a bare loop that writes the same bytes at the same times to as many sockets.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import net, { type AddressInfo } from 'node:net';
import { RtmpPublisher } from '../clients/rtmp-publisher.ts';
import { type Recording, readRecording } from '../clients/sources/recording.ts';
import { RecordingSource } from '../clients/sources/recording-source.ts';
import { TICK_MS, Ticker } from '../clients/sources/ticker.ts';
import { systemClock } from '../clients/system-clock.ts';
import { RtmpServerSession } from '../core/rtmp/server-session.ts';
import { runFfmpeg } from '../tests/kit/run-tool.ts';

const streams = 40;
const warmUpMs = 4_000;
const measureMs = 15_000;

/** A server that takes what is published and throws it away; a socket that speaks no RTMP is read and thrown away, too. */
function serve(): void {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    let session: RtmpServerSession | null = null;
    socket.on('data', (bytes) => {
      // C0 of RTMP is 3; the bare loop begins with 0.
      if (session === null && bytes[0] !== 3) {
        socket.removeAllListeners('data').resume();
        return;
      }
      session ??= new RtmpServerSession({
        headBytes: 0,
        random: (count) => randomBytes(count),
        write: (pieces) => {
          for (const piece of pieces) socket.write(Buffer.from(piece));
        },
        event: ({ kind }) => {
          if (kind !== 'ended') session?.accept();
        },
      });
      session.receive(bytes);
    });
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.on('disconnect', () => process.exit());
}

const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

/** Share of one core that this process takes over `measureMs`. */
async function measureCpu(): Promise<number> {
  await sleep(warmUpMs);
  const before = process.cpuUsage();
  const startMs = performance.now();
  await sleep(measureMs);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / (performance.now() - startMs);
}

async function publishers(port: number, recording: Recording): Promise<{ cpu: number; bps: number }> {
  const ticker = new Ticker(systemClock);
  let sentBits = 0;
  const ignore = (): void => {};
  const all = Array.from({ length: streams }, (_, index) => {
    return new RtmpPublisher({
      url: `rtmp://127.0.0.1:${port}/live/bench-${index}`,
      clock: systemClock,
      source: new RecordingSource({
        recording,
        publisher: index + 1,
        clock: systemClock,
        ticker,
        phaseMs: index * 97,
      }),
      observer: {
        connected: ignore,
        retrying: ({ detail }) => process.stdout.write(`${detail}\n`),
        reconnected: ignore,
        second: ({ sentBps }) => {
          sentBits += sentBps;
        },
        ended: ignore,
      },
    });
  });
  for (const publisher of all) publisher.start();
  let sweeps = 0;
  const sweeper = setInterval(() => {
    sweeps += 1;
    for (const publisher of all) publisher.sweep(systemClock.nowMs());
  }, 1_000);
  await sleep(warmUpMs);
  sentBits = 0;
  sweeps = 0;
  const cpu = await measureCpu();
  const bps = sentBits / sweeps / streams;
  clearInterval(sweeper);
  await Promise.all(all.map((publisher) => publisher.stop()));
  return { cpu, bps };
}

async function bareWrites(port: number, bps: number): Promise<number> {
  const sockets = await Promise.all(
    Array.from(
      { length: streams },
      () =>
        new Promise<net.Socket>((resolve) => {
          const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
          socket.on('error', () => {});
        }),
    ),
  );
  // As often as a 25 fps stream with sound has something to send, and as much.
  const everyMs = TICK_MS * 2;
  const piece = Buffer.alloc(Math.round((bps * everyMs) / 8_000));
  const timer = setInterval(() => {
    for (const socket of sockets) socket.write(piece);
  }, everyMs);
  const cpu = await measureCpu();
  clearInterval(timer);
  for (const socket of sockets) socket.destroy();
  return cpu;
}

async function main(): Promise<void> {
  const flv = await runFfmpeg(
    '-f lavfi -i testsrc2=size=640x360:rate=25 -f lavfi -i sine=f=440:r=44100 -t 8 -c:v libx264 -preset veryfast -tune zerolatency -b:v 576k -minrate 576k -maxrate 576k -bufsize 288k -x264-params nal-hrd=cbr:keyint=50:scenecut=0 -pix_fmt yuv420p -c:a aac -b:a 64k -ac 2 -f flv -'.split(
      ' ',
    ),
  );
  const recording = readRecording(flv, 'test card');
  const server: ChildProcess = fork(process.argv[1]!, ['serve'], { execArgv: [] });
  const port = await new Promise<number>((resolve) =>
    server.once('message', (message) => resolve(Number(message))),
  );
  const { cpu, bps } = await publishers(port, recording);
  const bare = await bareWrites(port, bps);
  server.kill();
  const percent = (share: number): string => `${((share / streams) * 100).toFixed(3)} % of a core`;
  process.stdout.write(
    `${streams} streams of ${Math.round(bps / 1_000)} kbit/s, measured over ${measureMs / 1_000} s\n`,
  );
  process.stdout.write(`  stamped publisher, each  ${percent(cpu)}   (promised: at most 0.5 %)\n`);
  process.stdout.write(`  bare socket.write, each  ${percent(bare)}\n`);
  process.stdout.write(`  ratio                    ${(cpu / bare).toFixed(2)} ×\n`);
}

if (process.argv[2] === 'serve') serve();
else await main();
