import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { endProcess } from './end-process.ts';
import { freePort } from './free-port.ts';

/** Debian's nginx with libnginx-mod-rtmp: an RTMP server that is not ours, with the application `live`. */
export interface NginxRtmp {
  /** `rtmp://127.0.0.1:PORT/live` */
  readonly rtmpUrl: string;
  readonly rtmpPort: number;
  /** nginx's own counts (the module's statistics page, XML). */
  statistics(): Promise<string>;
  /** Ends nginx without a goodbye, as a crash does: the kernel closes its connections, and nobody listens any more. */
  crash(): Promise<void>;
  /** After `crash`: listens on the same ports again. */
  startAgain(): Promise<void>;
  /** The error log so far. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

/** Where Debian, Fedora and a build from source keep the module. */
const modulePaths = [
  '/usr/lib/nginx/modules/ngx_rtmp_module.so',
  '/usr/lib64/nginx/modules/ngx_rtmp_module.so',
  '/usr/local/nginx/modules/ngx_rtmp_module.so',
];
const startMs = 10_000;

/** @param program path of nginx, from `requireTool('nginx', …)` */
export async function startNginxRtmp(program: string): Promise<NginxRtmp> {
  const module = modulePaths.find((file) => existsSync(file));
  if (module === undefined)
    throw new Error('nginx is here but its RTMP module is not: `apt-get install libnginx-mod-rtmp`');
  const folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-nginx-'));
  for (const name of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) await mkdir(path.join(folder, name));
  const rtmpPort = await freePort();
  const httpPort = await freePort();
  const config = path.join(folder, 'nginx.conf');
  await writeFile(
    config,
    `load_module ${module};
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log info;
events { worker_connections 4096; }
rtmp { server { listen 127.0.0.1:${rtmpPort}; chunk_size 4096; application live { live on; drop_idle_publisher 5s; } } }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server { listen 127.0.0.1:${httpPort}; location /stat { rtmp_stat all; } }
}
`,
  );
  const log = () => readFile(path.join(folder, 'error.log'), 'utf8').catch(() => '');
  let child = await startOnce(program, config, folder, rtmpPort, log).catch(async (error: Error) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    rtmpUrl: `rtmp://127.0.0.1:${rtmpPort}/live`,
    rtmpPort,
    statistics: async () => (await fetch(`http://127.0.0.1:${httpPort}/stat`)).text(),
    log,
    crash: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    startAgain: async () => {
      child = await startOnce(program, config, folder, rtmpPort, log);
    },
    stop: async () => {
      await endProcess(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves when nginx listens. */
async function startOnce(
  program: string,
  config: string,
  folder: string,
  rtmpPort: number,
  log: () => Promise<string>,
): Promise<ChildProcess> {
  const child = spawn(program, ['-c', config, '-p', folder, '-e', `${folder}/error.log`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let lastWords = '';
  child.stderr.on('data', (text: Buffer) => {
    lastWords = (lastWords + text.toString()).slice(-2_000);
  });
  const deadline = performance.now() + startMs;
  while (!(await answers(rtmpPort))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      const words = `${lastWords} ${await log()}`.trim();
      await endProcess(child);
      throw new Error(`nginx did not listen on port ${rtmpPort}: ${words}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return child;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
