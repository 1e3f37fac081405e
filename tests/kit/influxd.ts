import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { endProcess } from './end-process.ts';
import { freePort } from './free-port.ts';

/** One answer of InfluxQL: a series as influxd 1.x returns it. */
export interface InfluxSeries {
  name: string;
  tags?: Record<string, string>;
  columns: string[];
  values: (string | number | boolean | null)[][];
}

/** A real influxd of its own: free ports, data in a temporary folder, gone after `stop`. */
export interface Influxd {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  /** Runs InfluxQL; times come back in milliseconds. Throws with influxd's own words when it refuses. */
  query(influxQl: string, database?: string): Promise<InfluxSeries[]>;
  /** Ends the process and keeps its data, for tests of an outage. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. */
  restart(): Promise<void>;
  /** Ends the process and removes its data. */
  stop(): Promise<void>;
}

export interface InfluxdOptions {
  /** Path of the program, from `requireTool('influxd', …)`. */
  program: string;
  /** Wants a user and a password, which this user then has; all others are refused. */
  login?: { user: string; password: string };
}

const startMs = 20_000;

/** Starts an influxd 1.x and resolves when it answers. */
export async function startInfluxd(options: InfluxdOptions): Promise<Influxd> {
  const folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-influxd-'));
  const port = await freePort();
  const config = path.join(folder, 'influxdb.conf');
  // Both bind-addresses must be set: the RPC one (for backups) is taken from 8088 even when nobody uses it.
  await writeFile(
    config,
    [
      'reporting-enabled = false',
      `bind-address = "127.0.0.1:${await freePort()}"`,
      `[meta]\ndir = "${folder}/meta"`,
      `[data]\ndir = "${folder}/data"\nwal-dir = "${folder}/wal"`,
      '[monitor]\nstore-enabled = false',
      `[http]\nbind-address = "127.0.0.1:${port}"\nauth-enabled = ${options.login !== undefined}\nlog-enabled = false`,
    ].join('\n'),
  );
  const url = `http://127.0.0.1:${port}`;
  let child = await launch(options.program, config, url);

  const authorization =
    options.login === undefined
      ? {}
      : { authorization: `Basic ${btoa(`${options.login.user}:${options.login.password}`)}` };
  const query = (influxQl: string, database = ''): Promise<InfluxSeries[]> =>
    runQuery(url, authorization, influxQl, database);
  if (options.login !== undefined) {
    await query(
      `CREATE USER "${options.login.user}" WITH PASSWORD '${options.login.password}' WITH ALL PRIVILEGES`,
    );
  }
  return {
    url,
    port,
    query,
    kill: () => endProcess(child),
    restart: async () => {
      child = await launch(options.program, config, url);
    },
    stop: async () => {
      await endProcess(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function launch(program: string, config: string, url: string): Promise<ChildProcess> {
  const child = spawn(program, ['-config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let lastWords = '';
  child.stderr?.on('data', (text: Buffer) => {
    lastWords = (lastWords + text.toString()).slice(-2_000);
  });
  const deadline = performance.now() + startMs;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) break;
    const answered = await fetch(`${url}/ping`).then(
      (answer) => answer.status === 204,
      () => false,
    );
    if (answered) return child;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await endProcess(child);
  throw new Error(`influxd did not answer on ${url} within ${startMs} ms; its last words: ${lastWords}`);
}

async function runQuery(
  url: string,
  headers: Record<string, string>,
  influxQl: string,
  database: string,
): Promise<InfluxSeries[]> {
  const answer = await fetch(`${url}/query`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ q: influxQl, db: database, epoch: 'ms' }),
  });
  const body = (await answer.json()) as {
    error?: string;
    results?: { error?: string; series?: InfluxSeries[] }[];
  };
  const error = body.error ?? body.results?.find((result) => result.error !== undefined)?.error;
  if (error !== undefined) throw new Error(`influxd refused ${JSON.stringify(influxQl)}: ${error}`);
  return (body.results ?? []).flatMap((result) => result.series ?? []);
}
