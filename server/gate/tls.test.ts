import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDevelopmentCertificate } from './development-certificate.ts';
import { fingerprintOf, loadTls } from './tls.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tls-test-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
}

const nowMs = Date.UTC(2026, 10, 23, 22, 0, 0);
const serial = new Uint8Array(16).fill(0xff);

describe('a certificate for development', () => {
  const material = makeDevelopmentCertificate(
    ['localhost', '127.0.0.1', '::1', '2001:db8::7'],
    nowMs,
    serial,
  );

  it('says what it is for, and is signed by itself', () => {
    const certificate = new X509Certificate(material.cert);
    expect(certificate.subject).toBe('CN=streamgauge development');
    expect(certificate.subjectAltName).toBe(
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:2001:DB8:0:0:0:0:0:7',
    );
    expect([certificate.validFrom, certificate.validTo].map((text) => Date.parse(text))).toEqual([
      nowMs - 3_600_000,
      nowMs + 365 * 86_400_000,
    ]);
    expect(certificate.serialNumber).toBe(`7F${'FF'.repeat(15)}`);
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.checkHost('other')).toBe(undefined);
  });

  it('has a year of four digits from 2050 on', () => {
    const { cert } = makeDevelopmentCertificate(['x'], Date.UTC(2049, 5, 1), serial);
    expect(new X509Certificate(cert).validTo).toContain('2050');
  });

  it.skipIf(spawnSync('openssl', ['version']).error)('is well formed in the eyes of OpenSSL', () => {
    const { key, cert } = makeDevelopmentCertificate(['localhost'], Date.now(), serial);
    const at = file('a.pem', cert);
    const openssl = (...args: string[]) => execFileSync('openssl', args, { encoding: 'utf8' });
    expect(openssl('verify', '-x509_strict', '-CAfile', at, at)).toContain('OK');
    expect(openssl('x509', '-in', at, '-pubkey', '-noout')).toBe(
      openssl('pkey', '-in', file('a.key', key), '-pubout'),
    );
  });

  it('is trusted in full by who is given it as authority, and by nobody else', async () => {
    const made = await loadTls('development', '0.0.0.0');
    const server = tls.createServer(made, (socket) => socket.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const connect = (ca?: string) =>
      tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ...(ca === undefined ? {} : { ca }) });
    const trusting = connect(made.cert);
    await once(trusting, 'secureConnect');
    expect(trusting.authorized).toBe(true);
    const [error] = await once(connect(), 'error');
    expect(error.code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    trusting.destroy();
    server.close();
  });

  it('is another one each time', async () => {
    const [one, two] = [await loadTls('development', 'x'), await loadTls('development', 'x')];
    expect(fingerprintOf(one)).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    expect(fingerprintOf(one)).not.toBe(fingerprintOf(two));
  });
});

describe('key and certificate from files', () => {
  const [one, two] = [0, 1].map(() => makeDevelopmentCertificate(['localhost'], nowMs, serial)) as [
    { key: string; cert: string },
    { key: string; cert: string },
  ];

  it('are read', async () => {
    const options = { key: file('1.key', one.key), cert: file('1.pem', one.cert) };
    expect(await loadTls(options, 'x')).toEqual(one);
  });

  it.each([
    [
      'a missing file',
      () => ({ key: path.join(folder, 'none'), cert: file('1.pem', one.cert) }),
      /tls\.key: .* does not exist/,
    ],
    [
      'a folder',
      () => ({ key: file('1.key', one.key), cert: folder }),
      /tls\.cert: .* cannot be read \(EISDIR\)/,
    ],
    [
      'another key',
      () => ({ key: file('2.key', two.key), cert: file('1.pem', one.cert) }),
      /do not belong to each other/,
    ],
    ['no PEM', () => ({ key: file('3.key', 'hunter2'), cert: file('1.pem', one.cert) }), /not a private key/],
  ])('%s is told in one sentence', async (_, options, sentence) => {
    const failure = loadTls(options(), 'x').then(
      () => 'loaded',
      (error: Error) => error.message,
    );
    expect(await failure).toMatch(sentence);
    expect(await failure).not.toMatch(/hunter2|BEGIN|\n/);
  });
});
