import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTerminal } from '../terminal.ts';
import { type DashboardsFlags, runDashboards } from './run-dashboards.ts';

describe('streamgauge dashboards', () => {
  let folder: string;
  let said: string[];
  let printed: string[];
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-dashboards-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  function call(action: 'build' | 'check', flags: Partial<DashboardsFlags> = {}) {
    said = [];
    printed = [];
    const terminal = {
      ...createTerminal(process.stdout, process.stderr, {}),
      out: (text: string) => void printed.push(text.trim()),
      say: (line: string) => void said.push(line),
    };
    return runDashboards(
      { action, out: folder, runbooksUrl: undefined, dashboardsPath: undefined, ...flags },
      { terminal },
    );
  }

  it('builds what it then finds fresh', async () => {
    expect(await call('build')).toBe(0);
    expect(printed).toContain(`${folder}/provisioning/alerting/streamgauge.yaml`);
    expect(printed).toHaveLength(4);
    expect(await call('check')).toBe(0);
    expect(printed).toEqual([]);
  });

  it('names a changed and a missing file, and fails', async () => {
    await call('build');
    await appendFile(path.join(folder, 'dashboards/viewers.json'), ' ');
    await rm(path.join(folder, 'provisioning/datasources/streamgauge.yaml'));
    expect(await call('check')).toBe(1);
    expect(printed).toEqual([
      `${folder}/dashboards/viewers.json`,
      `${folder}/provisioning/datasources/streamgauge.yaml`,
    ]);
    expect(said).toEqual([expect.stringContaining('2 of these files')]);
  });

  it('takes where runbooks and dashboards are', async () => {
    const flags = { runbooksUrl: 'https://wiki.example/runbooks/', dashboardsPath: '/srv/dashboards' };
    await call('build', flags);
    expect(await call('check', flags)).toBe(0);
    expect(await call('check')).toBe(1);
    expect(printed).toEqual([
      `${folder}/provisioning/dashboards/streamgauge.yaml`,
      `${folder}/provisioning/alerting/streamgauge.yaml`,
    ]);
  });

  it('says in one sentence that it cannot write', async () => {
    await writeFile(path.join(folder, 'file'), '');
    await expect(call('build', { out: path.join(folder, 'file') })).rejects.toThrow(
      /cannot be written \(\w+\)/,
    );
  });
});
