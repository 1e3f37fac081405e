// `npm start`: from a bare checkout to a judged run on real media. Arguments are those of `streamgauge run`.
import { exitWith, setUp } from './install.mjs';

try {
  await setUp({ ffmpeg: true });
} catch (error) {
  exitWith(error);
}
const given = process.argv.slice(2);
process.argv.splice(
  2,
  given.length,
  'run',
  ...(given.some((word) => !word.startsWith('-')) ? [] : ['scenarios/smoke.yaml']),
  ...given,
);
await import('../../dist/cli/main.js');
