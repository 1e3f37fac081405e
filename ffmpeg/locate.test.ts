import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locate, type Machine } from './locate.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sg-locate-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function install(name: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, 0o755);
  return file;
}

const machine = (env: Record<string, string>, root = false): Machine => ({ env, platform: 'linux', root });

describe('where ffmpeg is', () => {
  it('is found on PATH, empty and missing folders passed over', () => {
    const ffmpeg = install('ffmpeg');
    expect(locate('ffmpeg', machine({ PATH: `:/no/such/folder:${folder}` }))).toBe(ffmpeg);
  });

  it('is what FFMPEG_PATH names, and ffprobe stands beside it', () => {
    const ffmpeg = install('ffmpeg');
    const ffprobe = install('ffprobe');
    const env = { FFMPEG_PATH: ffmpeg, PATH: '/usr/bin' };
    expect(locate('ffmpeg', machine(env))).toBe(ffmpeg);
    expect(locate('ffprobe', machine(env))).toBe(ffprobe);
  });

  it('is never something else than what FFMPEG_PATH names', () => {
    install('ffmpeg');
    expect(() => locate('ffmpeg', machine({ FFMPEG_PATH: `${folder}/ffmpeg7`, PATH: folder }))).toThrow(
      `FFMPEG_PATH names ${folder}/ffmpeg7, which is not a program that can be run: correct it, or unset it to use the ffmpeg on PATH.`,
    );
  });

  it.each([
    ['apt-get', false, 'type "sudo apt-get install -y ffmpeg", or set FFMPEG_PATH to where it is.'],
    ['apt-get', true, 'type "apt-get install -y ffmpeg", or set FFMPEG_PATH to where it is.'],
    ['apk', true, 'type "apk add ffmpeg", or set FFMPEG_PATH to where it is.'],
    ['brew', false, 'type "brew install ffmpeg", or set FFMPEG_PATH to where it is.'],
  ])('when missing, says what to type where there is %s (root: %s)', (installer, root, advice) => {
    install(installer);
    expect(() => locate('ffmpeg', machine({ PATH: folder }, root))).toThrow(
      `ffmpeg is needed and not on PATH: ${advice}`,
    );
  });

  it('when missing on an unknown system, says where to get it', () => {
    expect(() => locate('ffprobe', machine({ PATH: folder }))).toThrow(
      'ffprobe is needed and not on PATH: get it from https://ffmpeg.org/download.html and put it on PATH, or set FFPROBE_PATH to where it is.',
    );
  });
});
