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
let exitCode = 0;
for (const project of ['unit', 'end-to-end']) {
  const code = runToEnd(process.execPath, [
    vitest,
    'run',
    '--project',
    project,
    '--passWithNoTests',
    ...given,
  ]);
  exitCode ||= code;
}
process.exit(exitCode);
