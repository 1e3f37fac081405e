/**
 * docker-compose.yml without Docker: its form by `docker-compose config`, its promises by reading it, and its commands by
 * running them as the file has them (docs/adr/0020-compose-is-run-by-tests.md).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { access, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { repositoryRoot } from './kit/built-entry.ts';
import {
  type ComposeService,
  layOutImage,
  placeHere,
  readCompose,
  readDockerfile,
} from './kit/compose-file.ts';
import { endProcess } from './kit/end-process.ts';
import { freePort } from './kit/free-port.ts';
import { type Influxd, startInfluxd } from './kit/influxd.ts';
import { runToEnd } from './kit/run-tool.ts';
import { requireTool } from './kit/tools.ts';

const services = await readCompose();
const root = repositoryRoot();
const own = Object.entries(services).filter(([, service]) => service.build !== undefined);

describe('docker-compose.yml', () => {
  const program = requireTool('docker-compose', 'the form of docker-compose.yml');

  it.skipIf(program === null)('is accepted by docker-compose', async () => {
    const { code, stderr } = await runToEnd(program ?? '', [
      '-f',
      path.join(root, 'docker-compose.yml'),
      'config',
      '-q',
    ]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('publishes ports on loopback only', () => {
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it('pins the images that are not built here', () => {
    for (const { image, build } of Object.values(services)) {
      if (build === undefined) expect(image).toMatch(/:\d+\.\d+\.\d+/);
    }
  });

  it('says of every service when it is well, and waits for it', () => {
    for (const [name, { healthcheck, depends_on }] of Object.entries(services)) {
      expect(healthcheck?.test[0], name).toBe('CMD');
      for (const { condition } of Object.values(depends_on ?? {})) expect(condition).toBe('service_healthy');
    }
  });

  it('mounts only what is there', async () => {
    const mounted = Object.values(services)
      .flatMap((service) => service.volumes ?? [])
      .filter((volume) => volume.startsWith('./'));
    expect(mounted).toHaveLength(3);
    for (const volume of mounted) await access(path.join(root, volume.split(':')[0] ?? ''));
  });

  it('gives Grafana the address and the folder that the provisioning files ask for', async () => {
    const generated = path.join(root, 'dashboards/generated/provisioning');
    const read = async (file: string) => parse(await readFile(path.join(generated, file), 'utf8'));
    const grafana = services['grafana'];
    const { datasources } = await read('datasources/streamgauge.yaml');
    const variable = /^\$\{(\w+)\}$/.exec(datasources[0].url)?.[1] ?? '';
    expect(grafana?.environment?.[variable]).toBe('http://influxdb:8086');
    expect(services['viewers']?.environment?.['STREAMGAUGE_INFLUXDB']).toBe(
      `http://influxdb:8086/${datasources[0].jsonData.dbName}`,
    );
    const { providers } = await read('dashboards/streamgauge.yaml');
    expect(grafana?.volumes).toContain(`./dashboards/generated/dashboards:${providers[0].options.path}:ro`);
    const { groups } = await read('alerting/streamgauge.yaml');
    expect(groups[0].rules[0].annotations.runbook_url).toMatch(
      /^http:\/\/127\.0\.0\.1:3000\/public\/runbooks\//,
    );
    expect(grafana?.volumes).toContain('./docs/runbooks:/usr/share/grafana/public/runbooks:ro');
  });
});

describe('the Dockerfile', () => {
  it('builds in stages on a supported Node, copies what is there, and runs as a user without rights', async () => {
    const lines = await readDockerfile();
    const of = (name: string): string[] => lines.filter(([one]) => one === name).map(([, text]) => text);
    expect(of('FROM')).toEqual(['node:22-bookworm-slim AS build', 'node:22-bookworm-slim']);
    expect(of('USER')).toEqual(['node']);
    for (const source of of('COPY').flatMap((text) => text.split(' ').slice(0, -1))) {
      if (source === '.' || source.startsWith('--from') || /node_modules|dist/.test(source)) continue;
      await access(path.join(root, source.replace(/^\/app\//, '')));
    }
  });
});

describe('placeHere', () => {
  const names = ['origin', 'influxdb'];
  const ports = { 1935: 11935, 8000: 18000, 8086: 18086 };
  it.each([
    ['rtmp://origin:1935/live/room-{i}', 'rtmp://127.0.0.1:11935/live/room-{i}'],
    ['http://origin:8000/live/origin.flv', 'http://127.0.0.1:18000/live/origin.flv'],
    ['http://127.0.0.1:8000/', 'http://127.0.0.1:18000/'],
    ['0.0.0.0', '127.0.0.1'],
    ['1935', '11935'],
    ['12h', '12h'],
    ['influxdb', 'influxdb'],
    ['SELECT count("value") FROM "x"', 'SELECT count("value") FROM "x"'],
    ['/app/cli/streamgauge.mjs', '/image/cli/streamgauge.mjs'],
  ])('%s → %s', (word, expected) => {
    expect(placeHere(word, names, ports, '/image')).toBe(expected);
  });
});

const influxdProgram = requireTool('influxd', 'the services of docker-compose.yml');

describe.skipIf(influxdProgram === null)('the services, started as the file has them', () => {
  let influxd: Influxd;
  let app: string;
  let ports: Record<number, number>;
  let entryPoint: string[];
  const running: [name: string, child: ChildProcess, output: () => string][] = [];

  beforeAll(async () => {
    influxd = await startInfluxd({ program: influxdProgram ?? '' });
    app = await layOutImage();
    ports = { 1935: await freePort(), 8000: await freePort(), 8086: influxd.port };
    const [, text = '[]'] = (await readDockerfile()).find(([name]) => name === 'ENTRYPOINT') ?? [];
    entryPoint = JSON.parse(text) as string[];
  });
  afterAll(async () => {
    for (const [, child] of running.reverse()) await endProcess(child);
    await influxd?.stop();
    if (app) await rm(app, { recursive: true, force: true });
  });

  const here = (word: string): string => placeHere(word, Object.keys(services), ports, app);

  function start(name: string, service: ComposeService): () => string {
    const [program = '', ...words] = [...entryPoint, ...(service.command ?? [])].map(here);
    const environment = Object.fromEntries(
      Object.entries(service.environment ?? {}).map(([key, value]) => [key, here(value)]),
    );
    const child = spawn(program === 'node' ? process.execPath : program, words, {
      cwd: app,
      env: { ...process.env, ...environment, NODE_ENV: 'production' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        said = (said + bytes.toString()).slice(-4_000);
      });
    }
    const output = (): string => said;
    running.push([name, child, output]);
    return output;
  }

  /** Runs the service's own health check until it is content. */
  async function healthy(name: string, service: ComposeService, output: () => string): Promise<void> {
    const [, program = '', script = '', ...words] = service.healthcheck?.test ?? [];
    expect(program).toBe('node');
    const deadline = performance.now() + 40_000;
    let why = '';
    while (performance.now() < deadline) {
      const check = await runToEnd(process.execPath, [path.join(app, script), ...words.map(here)]);
      if (check.code === 0) return;
      why = check.stderr;
      const [, child] = running.find(([one]) => one === name) ?? [];
      if (child?.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    throw new Error(`service ${name} did not become healthy: ${why}\nIt said: ${output()}`);
  }

  it('are origin, publisher and viewers', () => {
    expect(own.map(([name]) => name)).toEqual(['origin', 'publisher', 'viewers']);
  });

  it.each(own)('%s becomes healthy', async (name, service) => {
    await healthy(name, service, start(name, service));
  });

  it('frames flow from the publisher to InfluxDB', async () => {
    const rows = await influxd.query(
      'SELECT sum("value") FROM "bytes_received" GROUP BY "stream", "protocol"',
      'streamgauge',
    );
    const received = rows.map(({ tags, values }) => [
      tags?.['protocol'],
      tags?.['stream'],
      Number(values[0]?.[1]),
    ]);
    expect(received.map(([protocol, stream]) => `${protocol} ${stream}`).sort()).toEqual([
      'http-flv live/room-1',
      'http-flv live/room-2',
      'rtmp live/room-1',
      'rtmp live/room-2',
    ]);
    for (const [, , bytes] of received) expect(bytes).toBeGreaterThan(10_000);
  });

  it('all end when they are told to, as `docker compose down` tells them', async () => {
    for (const [name, child, output] of [...running].reverse()) {
      expect(child.exitCode, `${name} ended too early: ${output()}`).toBeNull();
      await endProcess(child);
      // endProcess kills after five seconds: then there would be a signal and no code.
      expect(child.signalCode, `${name} had to be killed: ${output()}`).toBeNull();
    }
  });
});
