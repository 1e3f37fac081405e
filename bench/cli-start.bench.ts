/** How long a person waits for `streamgauge --help`, against starting Node for nothing. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = process.env['STREAMGAUGE_ROOT'] ?? process.cwd();
const runs = 15;

/** Median of the wall time of a command. */
function median(args: readonly string[]): number {
  const times = Array.from({ length: runs }, () => {
    const startMs = performance.now();
    const done = spawnSync(process.execPath, args, { stdio: 'ignore', timeout: 20_000 });
    if (done.status !== 0) throw new Error(`${args.join(' ')} ended with ${done.status}`);
    return performance.now() - startMs;
  });
  return times.sort((a, b) => a - b)[runs >> 1]!;
}

const nothing = median(['-e', '0']);
const help = median([path.join(root, 'cli/streamgauge.mjs'), '--help']);
process.stdout.write(`median of ${runs} starts\n`);
process.stdout.write(`  streamgauge --help  ${help.toFixed(0)} ms   (promised: at most 200 ms)\n`);
process.stdout.write(`  node -e 0           ${nothing.toFixed(0)} ms\n`);
process.stdout.write(`  ratio               ${(help / nothing).toFixed(2)} ×\n`);
