import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { repositoryRoot } from '../tests/kit/built-entry.ts';
import type { FfmpegProgress } from './progress.ts';
import { type FfmpegJob, lastWords, STDIN, STDOUT, startFfmpeg } from './start.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sg-ffmpeg-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

// Without the small probe ffmpeg waits for 5 MB of pictures before it shows the first.
const raw = [
  '-probesize',
  '32',
  '-f',
  'rawvideo',
  '-pixel_format',
  'gray',
  '-video_size',
  '16x16',
  '-framerate',
  '25',
];
const gray = Buffer.alloc(256, 77);

/** Raw grey pictures through ffmpeg, unchanged. */
const echo: FfmpegJob = {
  purpose: 'echoing pictures',
  inputs: [{ source: STDIN, options: raw }],
  outputOptions: ['-flush_packets', '1', '-f', 'rawvideo'],
  output: STDOUT,
};

/** A picture that never ends. */
const endless: FfmpegJob = {
  purpose: 'an endless picture',
  inputs: [{ source: 'color=s=16x16:r=25', options: ['-f', 'lavfi', '-re'] }],
  outputOptions: ['-pix_fmt', 'gray', '-f', 'rawvideo'],
  output: STDOUT,
};

async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A program in ffmpeg's place that says `ready`, then runs `shell`. */
function standIn(name: string, shell: string): void {
  const file = path.join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${shell}\n`);
  chmodSync(file, 0o755);
  vi.stubEnv('FFMPEG_PATH', file);
}

describe('an ffmpeg that is started', () => {
  it('takes stdin, gives stdout, and ends well when stdin ends', async () => {
    const run = await startFfmpeg(echo);
    run.stdin.write(gray);
    run.stdin.end(gray);
    expect((await bytesOf(run.stdout)).equals(Buffer.concat([gray, gray]))).toBe(true);
    expect(await run.ended).toBeNull();
    expect(alive(run.pid)).toBe(false);
  });

  it('keeps an option with a space as one option', async () => {
    const run = await startFfmpeg({
      ...echo,
      outputOptions: ['-metadata', 'title=a b', '-f', 'nut'],
    });
    run.stdin.end(gray);
    expect((await bytesOf(run.stdout)).includes('a b')).toBe(true);
  });

  it('makes several outputs of one input, each with its own options, and tells how far it is', async () => {
    const files = ['one.raw', 'two.raw'].map((name) => path.join(folder, name));
    const heard: FfmpegProgress[] = [];
    const run = await startFfmpeg({
      ...echo,
      output: files[0]!,
      moreOutputs: [{ options: ['-vf', 'scale=8:8', '-f', 'rawvideo'], target: files[1]! }],
      progress: (progress) => heard.push(progress),
    });
    run.stdin.end(Buffer.concat([gray, gray]));
    expect(await run.ended).toBeNull();
    expect(files.map((file) => statSync(file).size)).toEqual([2 * 256, 2 * 64]);
    expect(heard.at(-1)).toMatchObject({ frames: 2, droppedFrames: 0, end: true });
  });

  it('cannot tell its progress where its output goes', async () => {
    await expect(startFfmpeg({ ...echo, progress: () => {} })).rejects.toThrow('cannot tell its progress');
  });

  it('when stopped, ends well though its stdin and stdout still hang', async () => {
    // With a grace longer than the test: SIGTERM alone has to do.
    const fed = await startFfmpeg({ ...echo, stopGraceMs: 60_000 });
    for (let i = 0; i < 5; i++) fed.stdin.write(gray);
    await once(fed.stdout, 'data');
    await Promise.all([fed.stop(), fed.stop()]);
    expect(await fed.ended).toBeNull();
    const unread = await startFfmpeg({ ...endless, stopGraceMs: 60_000 });
    await once(unread.stdout, 'readable');
    await unread.stop();
    expect(await unread.ended).toBeNull();
    expect([alive(fed.pid), alive(unread.pid)]).toEqual([false, false]);
  });

  it('when stopped and deaf to SIGTERM, is killed after the grace', async () => {
    standIn('deaf', 'trap "" TERM; echo ready; while :; do sleep 0.05; done');
    const run = await startFfmpeg({ ...echo, stopGraceMs: 100 });
    await once(run.stdout, 'data');
    await run.stop();
    expect(await run.ended).toBeNull();
    expect(alive(run.pid)).toBe(false);
  });

  it('that fails says for what, how, why, and how to see it again', async () => {
    const run = await startFfmpeg({
      ...echo,
      purpose: 'reading a film',
      inputs: [{ source: '/no/such film.mp4' }],
    });
    expect(await run.ended).toMatchObject({
      code: 'FFMPEG_FAILED',
      message:
        'ffmpeg (reading a film) exited with code 1: /no/such film.mp4: No such file or directory. ' +
        "To see it again: ffmpeg -i '/no/such film.mp4' -flush_packets 1 -f rawvideo pipe:1",
    });
    expect(await bytesOf(run.stdout)).toHaveLength(0);
  });

  it('that fails does not repeat the password and signature of its input', async () => {
    const run = await startFfmpeg({
      purpose: 'reading http://user:hush@127.0.0.1:9/a.mp4?sign=hush',
      inputs: [{ source: 'http://user:hush@127.0.0.1:9/a.mp4?sign=hush' }],
      outputOptions: ['-f', 'flv'],
      output: STDOUT,
    });
    const message = (await run.ended)?.message;
    expect(message).toContain('http://…@127.0.0.1:9/a.mp4?…');
    expect(message).not.toContain('hush');
  });

  it('that is killed by somebody else has failed', async () => {
    const run = await startFfmpeg(endless);
    process.kill(run.pid, 'SIGKILL');
    expect((await run.ended)?.message).toMatch(
      /^ffmpeg \(an endless picture\) was killed with signal SIGKILL/,
    );
  });

  it('keeps only the end of what it said', async () => {
    standIn(
      'talker',
      'i=0; while [ $i -lt 20000 ]; do echo "[flv @ 0x55d0] line $i" >&2; i=$((i+1)); done; exit 3',
    );
    const run = await startFfmpeg(echo);
    expect((await run.ended)?.message).toContain(
      'exited with code 3: flv: line 19997; flv: line 19998; flv: line 19999. To see it again',
    );
  });
});

describe('an ffmpeg that cannot be started', () => {
  it('is missing', async () => {
    vi.stubEnv('FFMPEG_PATH', '');
    vi.stubEnv('PATH', folder);
    await expect(startFfmpeg(echo)).rejects.toMatchObject({
      code: 'FFMPEG_MISSING',
      message: expect.stringMatching(/^ffmpeg is needed and not on PATH: /),
    });
  });

  it('is no program', async () => {
    const file = path.join(folder, 'broken');
    writeFileSync(file, '#!/no/such/interpreter\n');
    chmodSync(file, 0o755);
    vi.stubEnv('FFMPEG_PATH', file);
    await expect(startFfmpeg(echo)).rejects.toMatchObject({
      code: 'FFMPEG_FAILED',
      message: expect.stringContaining(`spawn ${file} ENOENT`),
    });
  });

  it('has no pipe to us that would end it with us', async () => {
    await expect(startFfmpeg({ ...endless, output: '/dev/null' })).rejects.toThrow(
      'ffmpeg for an endless picture would outlive this process: feed it by STDIN or read its STDOUT.',
    );
  });
});

// Both ways in which a job can be tied to us; the parent gets no chance to clean up.
describe.each([
  ['stdin', { ...echo, output: '/dev/null' }],
  ['stdout', endless],
])('when this process is killed, an ffmpeg tied by %s', (tie, job) => {
  it('dies, too', async () => {
    const script = path.join(folder, `parent-${tie}.cjs`);
    await build({
      stdin: {
        contents: `import { startFfmpeg } from './ffmpeg/start.ts';
          startFfmpeg(${JSON.stringify(job)}).then((run) => {
            run.stdout.resume();
            console.log(run.pid);
          });
          setInterval(() => {}, 1000);`,
        resolveDir: repositoryRoot(),
      },
      bundle: true,
      platform: 'node',
      outfile: script,
    });
    const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [printed] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(printed.toString());
    expect(alive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await vi.waitFor(() => expect(alive(pid)).toBe(false), { timeout: 5_000, interval: 50 });
  });
});

it('lastWords leaves out addresses, empty lines and repetitions', () => {
  expect(lastWords('a\n\n[libx264 @ 0x7f00] broken header\n    Last message repeated 3 times\n')).toBe(
    'a; libx264: broken header',
  );
});
