// `npm start`: from a bare checkout to a judged run on real media. Arguments are those of `streamgauge run`.
import { exitWith, setUp } from './install.mjs';

try {
  await setUp({ ffmpeg: true });
} catch (error) {
  exitWith(error);
}
const given = process.argv.slice(2);
// Without a scenario it is the smoke test. A word may also be the value of a flag: `npm start -- --out DIR`.
const namesScenario = given.some(
  (word, index) => !word.startsWith('-') && (index === 0 || /\.(ya?ml|json|m?[jt]s)$/i.test(word)),
);
process.argv.splice(2, given.length, 'run', ...(namesScenario ? [] : ['scenarios/smoke.yaml']), ...given);
await import('../../dist/cli/main.js');
