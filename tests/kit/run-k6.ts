import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { repositoryRoot } from './built-entry.ts';
import type { K6Sample } from './k6-modules.ts';

export interface K6Run {
  /** Of k6; with the stand-ins 0, or 107 for a script that threw while it was loaded. */
  readonly exitCode: number;
  readonly samples: readonly K6Sample[];
  /** What was printed to say what went wrong. */
  readonly log: string;
}

/** Runs a script of scenarios/k6/ with these `-e` settings. */
export type K6Runner = (script: string, env: Readonly<Record<string, string>>) => Promise<K6Run>;

const limitMs = 60_000;

/** k6 itself. Its samples come from its own JSON output. */
export function k6Runner(program: string): K6Runner {
  return async (script, env) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-k6-'));
    try {
      const output = path.join(folder, 'samples.json');
      const settings = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
      const args = ['run', '--quiet', '--out', `json=${output}`, ...settings, script];
      const child = spawn(program, args, {
        cwd: repositoryRoot(),
        env: { ...process.env, K6_NO_USAGE_REPORT: 'true' },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let log = '';
      child.stderr.on('data', (text: Buffer) => {
        log += text.toString();
      });
      const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
      const exitCode = await new Promise<number>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (code) => resolve(code ?? -1));
      });
      clearTimeout(limit);
      return { exitCode, log, samples: readSamples(await readFile(output, 'utf8').catch(() => '')) };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

/** k6's JSON output: a line per sample, among lines that declare metrics. */
function readSamples(text: string): K6Sample[] {
  return text
    .split('\n')
    .filter((line) => line.includes('"type":"Point"'))
    .map((line) => {
      const { metric, data } = JSON.parse(line) as {
        metric: string;
        data: { value: number; tags: Record<string, string> | null };
      };
      return { metric, value: data.value, tags: data.tags ?? {} };
    });
}

/** The script's own code on Node, with stand-ins for k6's modules (`k6-modules.ts`). */
export const standInRunner: K6Runner = async (script, env) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-k6-'));
  try {
    const modules = path.join(repositoryRoot(), 'tests/kit/k6-modules.ts');
    const bundle = path.join(folder, 'script.cjs');
    const { outputFiles } = await build({
      stdin: {
        contents: `export { default as iterate, options } from './${script}'; export { samples, idle } from './tests/kit/k6-modules.ts';`,
        resolveDir: repositoryRoot(),
      },
      bundle: true,
      write: false,
      platform: 'node',
      format: 'cjs',
      alias: { 'k6/metrics': modules, 'k6/timers': modules, 'k6/websockets': modules },
      define: { __ENV: JSON.stringify(env), console: 'scriptConsole' },
      banner: {
        js: 'const scriptLog = []; const scriptConsole = { error: (text) => scriptLog.push(text) };',
      },
      footer: { js: 'module.exports.log = scriptLog;' },
      logLevel: 'silent',
    });
    await writeFile(bundle, outputFiles[0]?.contents ?? '');
    return await runBundle(bundle);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

interface Bundle {
  iterate(): void;
  idle(): Promise<void>;
  options: { scenarios: { viewers: { executor: string; vus: number; iterations: number } } };
  samples: K6Sample[];
  log: string[];
}

async function runBundle(file: string): Promise<K6Run> {
  let bundle: Bundle;
  try {
    bundle = createRequire(import.meta.url)(file) as Bundle;
  } catch (error) {
    return { exitCode: 107, samples: [], log: error instanceof Error ? error.message : String(error) };
  }
  const { executor, vus, iterations } = bundle.options.scenarios.viewers;
  if (executor !== 'per-vu-iterations' || iterations !== 1)
    throw new Error(`the stand-in knows no ${executor}`);
  for (let vu = 0; vu < vus; vu++) bundle.iterate();
  await bundle.idle();
  return { exitCode: 0, samples: bundle.samples, log: bundle.log.join('\n') };
}
