import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, it } from 'vitest';
import { repositoryRoot } from '../../tests/kit/built-entry.ts';
import { checkVersion, installedVersion, pinnedVersion } from './pinned-version.ts';

it('the installed node-media-server is the one that the hardening was checked with', () => {
  expect(checkVersion(installedVersion())).toBe(null);
  const { dependencies } = JSON.parse(readFileSync(path.join(repositoryRoot(), 'package.json'), 'utf8'));
  expect(dependencies['node-media-server']).toBe(pinnedVersion);
});

it.each(['4.4.2', '4.4.30', '5.0.0', ''])('%j is refused in one sentence that says what to do', (version) => {
  expect(checkVersion(version)).toContain(`node-media-server ${version} is installed`);
  expect(checkVersion(version)).toContain('npm install node-media-server@4.4.3');
  expect(checkVersion(version)).not.toContain('\n');
});

/** Names that the patches rely on; a new version is first of all looked at here. */
it.each([
  [
    'server/broadcast_server.js',
    ['_finishPublish = () =>', 'setTimeout(this._finishPublish, this.publishGraceMs)'],
  ],
  [
    'session/flv_session.js',
    ['this.req.on("data", this.onData)', 'this.req.socket.on("close", this.onClose)'],
  ],
  [
    'session/rtmp_session.js',
    ['this.socket.on("data", this.onData)', 'this.rtmp.onPacketCallback = this.onPacket'],
  ],
  ['server/http_server.js', ['session.run();\n    Context.sessions.set(session.id, session)']],
  ['server/rtmp_server.js', ['session.run();\n    Context.sessions.set(session.id, session)']],
  // What the TLS listeners hand their connections to.
  ['server/rtmp_server.js', ['handleRequest = (socket) =>']],
  ['server/http_server.js', ['this.wsServer = new WebSocket.Server({ server: this.httpServer })']],
])('%s still reads as it did', (file, lines) => {
  const source = readFileSync(
    createRequire(import.meta.url).resolve(`node-media-server/src/${file}`),
    'utf8',
  );
  for (const line of lines) expect(source).toContain(line);
});
