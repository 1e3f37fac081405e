import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { requireTool } from './tools.ts';

const nowhere = { PATH: '/nonexistent', HOME: '/nonexistent' };

describe('requireTool', () => {
  it('gives the path of a program on the PATH', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-tools-'));
    try {
      const program = path.join(folder, 'influxd');
      await writeFile(program, '#!/bin/sh\n');
      const env = { ...nowhere, PATH: `/nonexistent:${folder}` };
      expect(requireTool('influxd', 'x', env, () => {})).toBeNull(); // not executable
      await chmod(program, 0o755);
      expect(requireTool('influxd', 'x', env, () => {})).toBe(program);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('says what is skipped, why, and how to get the tool', () => {
    const said: string[] = [];
    expect(requireTool('k6', 'the k6 script', nowhere, (line) => said.push(line))).toBeNull();
    expect(said.join('')).toContain('SKIPPED: the k6 script because k6 is absent; get it by `go install');
  });

  it.each(['1', 'k6', 'influxd,k6'])('throws instead where STREAMGAUGE_REQUIRE_TOOLS=%s', (setting) => {
    const env = { ...nowhere, STREAMGAUGE_REQUIRE_TOOLS: setting };
    expect(() => requireTool('k6', 'the k6 script', env, () => {})).toThrow('k6 is absent');
  });

  it('skips a tool that is not among the required ones', () => {
    const env = { ...nowhere, STREAMGAUGE_REQUIRE_TOOLS: 'influxd' };
    expect(requireTool('k6', 'the k6 script', env, () => {})).toBeNull();
  });
});
