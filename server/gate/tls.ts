/** Key and certificate of the TLS listeners: from files, or made at the start for development. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { createSecureContext } from 'node:tls';
import { makeDevelopmentCertificate } from './development-certificate.ts';
import type { TlsMaterial } from './tls-material.ts';

export type { TlsMaterial } from './tls-material.ts';

/** As in the configuration: paths of two PEM files, or `development`. */
export type TlsOptions = 'development' | { readonly key: string; readonly cert: string };

/** The message is one sentence, and has nothing of a key in it. */
export class TlsError extends Error {
  readonly code = 'TLS_MATERIAL';
  constructor(message: string) {
    super(message);
    this.name = 'TlsError';
  }
}

/**
 * @param host that the server listens on: a development certificate is good for it, for loopback and for this machine's name
 * @throws TlsError when a file cannot be read or the two do not fit
 */
export async function loadTls(options: TlsOptions, host: string): Promise<TlsMaterial> {
  if (options === 'development') {
    const names = new Set(['localhost', '127.0.0.1', '::1', hostname(), host]);
    // Listening everywhere is no name.
    for (const none of ['0.0.0.0', '::', '']) names.delete(none);
    return makeDevelopmentCertificate([...names], Date.now(), randomBytes(16));
  }
  const [key, cert] = await Promise.all([readPem('key', options.key), readPem('cert', options.cert)]);
  try {
    createSecureContext({ key, cert });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const why =
      code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH'
        ? 'they do not belong to each other'
        : `they are not a private key and a certificate in PEM (${code || 'unreadable'})`;
    throw new TlsError(`tls: ${options.key} and ${options.cert} cannot be used: ${why}.`);
  }
  return { key, cert };
}

/** SHA-256, as browsers and `openssl x509 -fingerprint -sha256` show it. */
export function fingerprintOf({ cert }: TlsMaterial): string {
  return new X509Certificate(cert).fingerprint256;
}

async function readPem(what: 'key' | 'cert', file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new TlsError(
      `tls.${what}: ${file} ${code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`}.`,
    );
  }
}
