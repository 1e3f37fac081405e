// `npm test`: set-up, then the unit tests in parallel, then the end-to-end tests, which measure time, one by one.
// Arguments go to vitest: `npm test -- core/rtmp`.
import path from 'node:path';
import { exitWith, root, runToEnd, setUp } from './install.mjs';

try {
  await setUp({ ffmpeg: true });
} catch (error) {
  exitWith(error);
}
const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
const given = process.argv.slice(2);
// A part of the tests runs in one go, and a name that fits none of them is a mistake.
const runs =
  given.length > 0
    ? [given]
    : [
        ['--project', 'unit'],
        ['--project', 'end-to-end'],
      ];
let exitCode = 0;
for (const args of runs) {
  const code = runToEnd(process.execPath, [vitest, 'run', ...args]);
  exitCode ||= code;
}
process.exit(exitCode);
