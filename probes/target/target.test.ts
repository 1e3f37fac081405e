/** Figures of a target against what independent tools say, and against programs whose appetite is known. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { endProcess } from '../../tests/kit/end-process.ts';
import { freePort } from '../../tests/kit/free-port.ts';
import { LocalTarget } from './local-target.ts';
import { PrometheusTarget } from './prometheus-target.ts';
import { readPrometheusText } from './prometheus-text.ts';
import { ByteRates, parseSocketStatistics } from './socket-bytes.ts';

const children: ChildProcess[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(children.splice(0).map((child) => endProcess(child)));
});

/** Runs a script in a process of its own and waits for its first word. */
async function run(script: string): Promise<{ child: ChildProcess; word: string }> {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const [first] = (await once(child.stdout!, 'data')) as [Buffer];
  return { child, word: first.toString().trim() };
}

const wait = (ms: number) => new Promise((wake) => setTimeout(wake, ms));

/** A server that says hello with so many bytes, listens on a free port, and has a child process. */
const server = (bytes: number) => `
  const net = require('node:net');
  require('node:child_process').spawn(process.execPath, ['-e', 'process.stdin.resume().on("end", process.exit)'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const memory = Buffer.alloc(100e6, 1);
  net.createServer((socket) => { socket.on('error', () => {}); socket.resume(); socket.write(Buffer.alloc(${bytes})); memory[0]++; })
    .listen(0, '127.0.0.1', function () { console.log(this.address().port); });
  process.stdin.resume().on('end', () => process.exit());
`;

describe.skipIf(process.platform !== 'linux')('a target on this machine', () => {
  test('is found by its port, with its child; memory, threads, files and connections are what other tools say', async () => {
    const { child, word } = await run(server(1));
    const port = Number(word);
    for (let i = 0; i < 7; i++) {
      const socket = connect(port, '127.0.0.1');
      sockets.push(socket);
      await once(socket, 'data');
    }
    const target = new LocalTarget({ ports: [port] });
    const figures = await target.sample(performance.now());
    expect(target.complaint()).toBeNull();
    expect(target.description).toMatch(/process \d+ and 1 more\)$/);
    const ps = (what: string) =>
      execFileSync('ps', ['-o', `${what}=`, '-p', String(child.pid), '--ppid', String(child.pid)], {
        encoding: 'utf8',
      })
        .trim()
        .split(/\s+/)
        .reduce((sum, word) => sum + Number(word), 0);
    expect(figures.rssBytes! / (ps('rss') * 1024)).toBeGreaterThan(0.9);
    expect(figures.rssBytes! / (ps('rss') * 1024)).toBeLessThan(1.1);
    expect(figures.rssBytes).toBeGreaterThan(130e6);
    expect(figures.threads).toBe(ps('nlwp'));
    const established = execFileSync('ss', ['-tnH', 'state', 'established', 'sport', '=', `:${port}`], {
      encoding: 'utf8',
    });
    expect(established.trim().split('\n')).toHaveLength(7);
    expect(figures.sockets).toBe(7);
    expect(figures.fds).toBeGreaterThan(14);
    const limits = readFileSync(`/proc/${child.pid}/limits`, 'utf8');
    const limit = Number(/Max open files +(\d+)/.exec(limits)![1]);
    // Of the process that has most of them open; the child's are its own.
    expect(figures.fdUsedRatio! * limit).toBeGreaterThan(7);
    expect(figures.fdUsedRatio! * limit).toBeLessThan(figures.fds!);
    // The same by its process.
    const byPid = new LocalTarget({ pid: child.pid! });
    expect(await byPid.sample(performance.now())).toMatchObject({ sockets: 7, threads: figures.threads! });
  });

  test('that works and rests in turn is read as using what it counts itself', async () => {
    const { child } = await run(`
      const used = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
      const work = () => { const untilMs = used() + 40; while (used() < untilMs); };
      setInterval(work, 100);
      process.stdin.on('data', () => console.log(used()));
      console.log('go');
    `);
    const target = new LocalTarget({ pid: child.pid! });
    const own = async (): Promise<number> => {
      child.stdin!.write('?');
      const [answer] = (await once(child.stdout!, 'data')) as [Buffer];
      return Number(answer);
    };
    const [startMs, startOwnMs] = [performance.now(), await own()];
    expect((await target.sample(startMs)).cpu).toBeUndefined();
    await wait(2_500);
    const usedMs = (await own()) - startOwnMs;
    const endMs = performance.now();
    const { cpu } = await target.sample(endMs);
    expect(usedMs).toBeGreaterThan(200);
    // Between the two counts a turn of work may lie, and the kernel counts in ticks of 10 ms.
    expect(Math.abs(cpu! * (endMs - startMs) - usedMs)).toBeLessThan(100);
  });

  test('that sends 3 MB to each of two is read as sending 6 MB', async () => {
    const { word } = await run(server(3_000_000));
    const target = new LocalTarget({ ports: [Number(word)] });
    const startMs = performance.now();
    await target.sample(startMs);
    for (let i = 0; i < 2; i++) {
      const socket = connect(Number(word), '127.0.0.1');
      sockets.push(socket.resume());
      let received = 0;
      await new Promise<void>((all) =>
        socket.on('data', (bytes) => {
          received += bytes.length;
          if (received === 3_000_000) all();
        }),
      );
      socket.write(Buffer.alloc(100_000));
    }
    await wait(300);
    const lookMs = startMs + 10_000;
    const { sentBps, receivedBps } = await target.sample(lookMs);
    // Over ten seconds, more or less what asking took.
    expect(sentBps! * 10).toBeGreaterThan(0.9 * 48e6);
    expect(sentBps! * 10).toBeLessThan(1.1 * 48e6);
    expect(receivedBps! * 10).toBeGreaterThan(0.9 * 1.6e6);
    expect(receivedBps! * 10).toBeLessThan(1.1 * 1.6e6);
  });

  test('that nobody finds is told in one sentence, once', async () => {
    const { child, word } = await run(server(1));
    await endProcess(child);
    const target = new LocalTarget({ ports: [Number(word)] });
    expect(await target.sample(1000)).toEqual({});
    expect(target.complaint()).toMatch(
      /^No process of this machine listens on port \d+: no figures of the target\.$/,
    );
    expect(await target.sample(2000)).toEqual({});
    expect(target.complaint()).toBeNull();
    const gone = new LocalTarget({ pid: child.pid! });
    expect(await gone.sample(1000)).toEqual({});
    expect(gone.complaint()).toMatch(/^There is no process \d+/);
  });

  test('that is started anew is found again', async () => {
    const first = await run(server(1));
    const target = new LocalTarget({ ports: [Number(first.word)] });
    await target.sample(1000);
    await endProcess(first.child);
    expect(await target.sample(2000)).toEqual({});
    const again = await run(server(1).replace('listen(0', `listen(${first.word}`));
    expect(again.word).toBe(first.word);
    expect((await target.sample(10_000)).rssBytes).toBeGreaterThan(100e6);
    expect(readlinkSync(`/proc/${again.child.pid}/exe`)).toBe(readlinkSync('/proc/self/exe'));
  });
});

describe('bytes of connections', () => {
  const output =
    'ESTAB 0      0      127.0.0.1:1935 127.0.0.1:50000\n\t cubic wscale:7,7 rto:204 bytes_sent:900 bytes_acked:800 bytes_received:70 segs_out:3\n' +
    'ESTAB 0 0 [::1]:1935 [::1]:50001\n\t cubic wscale:7,7\n';
  test('are read of each', () => {
    expect([...parseSocketStatistics(output)!]).toEqual([
      ['127.0.0.1:1935 127.0.0.1:50000', { acknowledged: 800, received: 70 }],
      ['[::1]:1935 [::1]:50001', { acknowledged: 0, received: 0 }],
    ]);
    expect(parseSocketStatistics('').size).toBe(0);
    expect(parseSocketStatistics('\t only an indented line\n\n').size).toBe(0);
  });
  test('are rates of those that stay, come, go and come again', () => {
    const rates = new ByteRates();
    const at = (acknowledged: number) => ({ acknowledged, received: 0 });
    expect(
      rates.next(
        new Map([
          ['a', at(1000)],
          ['gone', at(5000)],
          ['again', at(900)],
        ]),
        1000,
      ),
    ).toBeNull();
    expect(
      rates.next(
        new Map([
          ['a', at(1500)],
          ['new', at(200)],
          ['again', at(100)],
        ]),
        3000,
      ),
    ).toEqual({
      sentBps: ((500 + 200 + 100) * 8) / 2,
      receivedBps: 0,
    });
  });
});

describe('a Prometheus page', () => {
  const page = (cpu: number, sent: number) => `# HELP process_cpu_seconds_total x
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total ${cpu}
process_resident_memory_bytes 1.5e+08 1700000000000
node_cpu_seconds_total{cpu="0",mode="user"} 99999
paths_bytes_sent{name="a}b\\"",state="ready"} ${sent}
paths_bytes_sent{name="c",state="ready"} 1000
paths_bytes_sent_total 77
process_open_fds NaN
broken{ 1
`;
  test('of a server becomes figures; rates from the second look on; a restart is no rate', () => {
    const target = new PrometheusTarget('http://h:9998/metrics', async () => '');
    expect(target.node).toBe('h:9998');
    expect(target.read(page(10, 5000), 1000)).toEqual({ rssBytes: 1.5e8 });
    expect(target.read(page(11, 7000), 3000)).toEqual({ cpu: 0.5, rssBytes: 1.5e8, sentBps: 8000 });
    expect(target.read(page(0.5, 0), 5000)).toEqual({ rssBytes: 1.5e8 });
  });
  test('of a machine counts what is not idle, and no loopback', () => {
    const target = new PrometheusTarget('http://h/metrics', async () => '');
    const node = (user: number, sent: number) =>
      `node_cpu_seconds_total{cpu="0",mode="idle"} ${user * 50}\nnode_cpu_seconds_total{cpu="0",mode="user"} ${user}\n` +
      `node_network_transmit_bytes_total{device="lo"} ${sent * 9}\nnode_network_transmit_bytes_total{device="eth0"} ${sent}\n`;
    target.read(node(1, 0), 0);
    expect(target.read(node(3, 500), 1000)).toEqual({ cpu: 2, sentBps: 4000 });
  });
  test('is read as it comes, whatever is in it', () => {
    const found: unknown[] = [];
    readPrometheusText('a{x="}"} 1\na 2 3\n\na{ 4\nb 5\na +Inf\n}{\na\n', new Set(['a']), (sample) =>
      found.push(sample),
    );
    expect(found).toEqual([
      { name: 'a', labels: 'x="}"', value: 1 },
      { name: 'a', labels: '', value: 2 },
    ]);
  });
  test('that cannot be had is told in one sentence, once, and never fails', async () => {
    const web = createHttpServer((request, response) => {
      if (request.url === '/endless') {
        const more = (): void =>
          void (response.write('x'.repeat(1e6)) ? setImmediate(more) : response.once('drain', more));
        more();
      } else response.writeHead(request.url === '/empty' ? 200 : 404).end('unknown_metric 1\n');
    }).listen(0, '127.0.0.1');
    await once(web, 'listening');
    const base = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    for (const [path, why] of [
      ['/missing', /could not be read: it answered 404\.$/],
      ['/empty', /it holds no figure that is known here\.$/],
      ['/endless', /it is longer than 8388608 bytes\.$/],
    ] as const) {
      const target = new PrometheusTarget(base + path);
      expect(await target.sample(1000)).toEqual({});
      expect(target.complaint(), path).toMatch(why);
      await target.sample(1e9);
      expect(target.complaint()).toBeNull();
    }
    web.closeAllConnections();
    web.close();
    const nobody = new PrometheusTarget(`http://127.0.0.1:${await freePort()}/`);
    expect(await nobody.sample(1000)).toEqual({});
    expect(nobody.complaint()).toMatch(/ECONNREFUSED/);
  });
});
