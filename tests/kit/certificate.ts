import { readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from './built-entry.ts';

/** Self-signed, for `localhost`, `127.0.0.1` and `::1`. */
export function loopbackCertificate(): { readonly key: string; readonly cert: string } {
  const read = (name: string) =>
    readFileSync(path.join(repositoryRoot(), 'tests/kit/fixtures', `loopback.${name}.pem`), 'utf8');
  return { key: read('key'), cert: read('cert') };
}
