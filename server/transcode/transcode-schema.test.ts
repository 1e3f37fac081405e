import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { repositoryRoot } from '../../tests/kit/built-entry.ts';
import { parseServerConfig } from '../config-file.ts';
import { defaultTranscodeOptions } from './transcode-options.ts';
import { transcodeSchema } from './transcode-schema.ts';

it('nothing said: no rungs', () => {
  expect(transcodeSchema.parse({})).toEqual(defaultTranscodeOptions);
  expect(defaultTranscodeOptions.rungs).toEqual([]);
});

it.each([
  [
    'transcode:\n  rungs:\n    - hieght: 720\n',
    'serve.yaml:3: unknown key "transcode.rungs.0.hieght"; did you mean "height"?',
  ],
  ['transcode:\n  encodr: x\n', 'serve.yaml:2: unknown key "transcode.encodr"; did you mean "encoder"?'],
  [
    'transcode:\n  rungs:\n    - {height: 720}\n    - {height: 360, name: 720p}\n',
    'the name 720p is taken by another rung',
  ],
  ['transcode:\n  rungs: [{height: 90, name: audio}]\n', 'the name audio is taken'],
  ['transcode:\n  rungs: [{height: 90, bitrate: 5000}]\n', 'transcode.rungs.0.bitrate'],
  ['transcode:\n  rungs: [{height: 90, bitrate: 5 furlongs}]\n', 'expected a rate like 800k'],
  ['transcode:\n  rungs: [{height: 90, name: ../x}]\n', 'expected 1 to 32 letters'],
  ['transcode:\n  preset: "veryfast -f x"\n', 'transcode.preset'],
])('%j is refused', (text, message) => {
  expect(() => parseServerConfig(text, 'serve.yaml')).toThrow(message);
});

it('each key is documented with its default', () => {
  const document = readFileSync(path.join(repositoryRoot(), 'docs/server.md'), 'utf8');
  for (const [key, value] of Object.entries(defaultTranscodeOptions)) {
    const shown = Array.isArray(value) ? 'none' : String(value);
    expect(document).toContain(`| \`transcode.${key}\` | ${shown} |`);
  }
  for (const key of ['name', 'height', 'bitrate', 'fps', 'audioBitrate'])
    expect(document).toContain(`| \`transcode.rungs[].${key}\` |`);
});
