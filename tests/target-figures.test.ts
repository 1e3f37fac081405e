/** The server's own figures beside the viewers': any server on this machine, found by the port that viewers connect to. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli, startCli, summaryOf, valuesOf } from './kit/cli.ts';
import { startNginxRtmp } from './kit/nginx-rtmp.ts';
import { requireTool } from './kit/tools.ts';

const program = requireTool('nginx', 'figures of a server that is not ours');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-target-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function scenario(target: string): Promise<string> {
  const file = path.join(folder, 'scenario.yaml');
  await writeFile(
    file,
    `name: figures
target: ${target}
publishers:
  - { stream: "live/a", source: testcard, bitrate: 400k, gop: 1s, size: 320x180 }
viewers:
  - { protocol: rtmp, stream: "live/a", executor: constant-viewers, viewers: 10, duration: 8s }
`,
  );
  return file;
}

describe.skipIf(process.platform !== 'linux')("the server's figures", () => {
  it('are those of the reference stack, in summary, report and series', async () => {
    const out = path.join(folder, 'out');
    const summary = summaryOf(await runCli(['run', await scenario('reference'), '--out', out, '--json']));
    const { server } = summary;
    expect(server['readFrom']).toMatch(/^node \(process \d+\)$/);
    // Ten viewers and one publisher.
    expect(server['socketsMax']).toBe(11);
    expect(server['rssBytes']).toBeGreaterThan(30e6);
    expect(server['cpu']).toBeGreaterThan(0);
    // What it sends is what viewers receive: the medium, ten times what it gets.
    const received = valuesOf(summary, 'received_bps').avg ?? 0;
    expect(Number(server['sentBps']) / (10 * received)).toBeGreaterThan(0.8);
    expect(Number(server['sentBps']) / (10 * received)).toBeLessThan(1.25);
    expect(valuesOf(summary, 'target_cpu', { node: 'target' }).max).toBe(server['cpuMax']);
    const report = await readFile(path.join(out, 'report.html'), 'utf8');
    expect(report).toContain('data-plot="target-cpu"');
    expect(report).toContain('Server under test');
    expect(await readFile(path.join(out, 'summary.md'), 'utf8')).toContain('| Connections | ');
  });

  it.skipIf(program === null)("are those of Debian's nginx-rtmp, which nobody told about", async () => {
    const nginx = await startNginxRtmp(program!);
    try {
      const file = await scenario(`{ rtmp: ${nginx.rtmpUrl.replace('/live', '')} }`);
      const cli = startCli(['run', file, '--out', path.join(folder, 'out'), '--json']);
      await cli.sees(/10 of 10 viewers playing/);
      const established = execFileSync(
        'ss',
        ['-tnH', 'state', 'established', 'sport', '=', `:${nginx.rtmpPort}`],
        { encoding: 'utf8' },
      );
      const { server } = summaryOf(await cli.done);
      expect(server['readFrom']).toMatch(/^nginx \(process \d+\)$/);
      expect(server['socketsMax']).toBe(established.trim().split('\n').length);
      expect(server['sentBps']).toBeGreaterThan(8 * 300_000);
    } finally {
      await nginx.stop();
    }
  });

  it('are left out where nobody wants them, and are no failure where they cannot be had', async () => {
    const file = await scenario('reference');
    const without = ['run', file, '--no-target-figures', '--out', path.join(folder, 'without'), '--json'];
    const { server } = summaryOf(await runCli(without));
    expect(Object.keys(server).sort()).toEqual(['cpu', 'rssBytes']);
    const nobody = ['watch', 'rtmp://127.0.0.1:1/live/a', '--duration', '2s', '--no-reconnect'];
    const result = await runCli([...nobody, '--out', path.join(folder, 'nobody')]);
    expect(result.code).toBe(95);
    expect(result.stderr).toContain(
      'No process of this machine listens on port 1: no figures of the target.',
    );
  });
});
