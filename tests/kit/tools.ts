import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** External programs that tests run when they are there, and how a person gets each. */
const howToGet = {
  influxd: '`apt-get install influxdb`',
  nginx: '`apt-get install nginx libnginx-mod-rtmp`',
  k6: '`go install go.k6.io/k6/v2@v2.3.0` (puts it into ~/go/bin), or see docs/k6.md',
  'docker-compose': '`apt-get install docker-compose`',
  chromium: '`apt-get install chromium`',
} as const;

export type Tool = keyof typeof howToGet;

/** Called with the line that tells of a skip; standard error, because test reporters swallow standard output. */
export type Announce = (line: string) => void;

/**
 * Path of an external program, or null when it is absent, after saying loudly what is skipped and how to get it.
 *
 * A quiet skip looks like a pass. Where every tool is meant to be present, `STREAMGAUGE_REQUIRE_TOOLS` turns the
 * skip into a failure: `1` requires all of them, `influxd,docker-compose` only those named (for machines on which
 * one cannot be had).
 * @param what what cannot be tested without it, e.g. `the InfluxDB sink`
 */
export function requireTool(
  tool: Tool,
  what: string,
  env: NodeJS.ProcessEnv = process.env,
  announce: Announce = (line) => process.stderr.write(line),
): string | null {
  const found = findOnPath(tool, env);
  if (found !== null) return found;
  const line = `SKIPPED: ${what} because ${tool} is absent; get it by ${howToGet[tool]}`;
  if (isRequired(tool, env['STREAMGAUGE_REQUIRE_TOOLS'] ?? '')) {
    throw new Error(`${line} (STREAMGAUGE_REQUIRE_TOOLS forbids the skip)`);
  }
  announce(`\n${line}\n`);
  return null;
}

function isRequired(tool: Tool, setting: string): boolean {
  return setting === '1' || setting.split(',').includes(tool);
}

function findOnPath(program: string, env: NodeJS.ProcessEnv): string | null {
  // `go install` puts programs where few PATHs look.
  const goFolder = path.join(env['GOPATH'] ?? path.join(env['HOME'] ?? homedir(), 'go'), 'bin');
  // Debian keeps servers in /usr/sbin, which is not on every user's PATH.
  for (const folder of [...(env['PATH'] ?? '').split(path.delimiter), goFolder, '/usr/sbin']) {
    if (folder === '') continue;
    const candidate = path.join(folder, program);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not in this folder: look into the next.
    }
  }
  return null;
}
