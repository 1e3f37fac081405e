import { describe, expect, it } from 'vitest';
import type { Reason } from './reason.ts';
import { type ConnectPhase, describeSocketError } from './socket-failure.ts';

const failed = (code: string, message = code) => Object.assign(new Error(message), { code });
const openssl =
  'C0C0:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/openssl/x.c:355:';

const cases: [code: string, phase: ConnectPhase, reason: Reason, says: RegExp][] = [
  ['ECONNREFUSED', 'connect', 'refused', /nothing listens there/],
  ['ECONNREFUSED', 'tls', 'refused', /nothing listens there/],
  ['EHOSTUNREACH', 'connect', 'refused', /no route/],
  ['ENOTFOUND', 'dns', 'dns', /no such host name/],
  ['EAI_AGAIN', 'dns', 'dns', /name server did not answer/],
  ['ETIMEDOUT', 'connect', 'connect-timeout', /did not accept a connection in time/],
  ['ETIMEDOUT', 'open', 'reset', /no longer acknowledges/],
  ['ECONNRESET', 'open', 'reset', /cut the connection/],
  ['ECONNRESET', 'connect', 'reset', /cut the connection/],
  ['ECONNRESET', 'tls', 'tls', /closed the connection during the handshake/],
  ['EPIPE', 'open', 'reset', /cut the connection/],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls', 'tls', /self-signed/],
  ['CERT_HAS_EXPIRED', 'tls', 'tls', /expired/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls', 'tls', /another name/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls', 'tls', /authority/],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls', 'tls', /failed: wrong version number;/],
  ['EMFILE', 'connect', 'generator-limit', /too many open files/],
  ['EMFILE', 'tls', 'generator-limit', /too many open files/],
  ['EADDRNOTAVAIL', 'connect', 'generator-limit', /no free port left/],
  ['ESTRANGE', 'connect', 'refused', /ESTRANGE/],
  ['ESTRANGE', 'dns', 'dns', /ESTRANGE/],
  ['ESTRANGE', 'open', 'reset', /ESTRANGE/],
];

describe('describeSocketError', () => {
  it.each(cases)('%s in phase %s is %s', (code, phase, reason, says) => {
    const message = code.startsWith('ERR_SSL') ? openssl : code;
    const failure = describeSocketError(failed(code, message), 'host:1935', phase);
    expect(failure.reason).toBe(reason);
    expect(failure.detail).toMatch(says);
    expect(failure.detail).toMatch(/^[^\n]*host:1935[^\n]*$/);
    expect(failure.detail).not.toContain('deps');
  });

  it('takes the first of several addresses for all', () => {
    const all = new AggregateError([failed('ECONNREFUSED'), failed('ENETUNREACH')], '');
    expect(describeSocketError(all, 'localhost:1', 'connect')).toMatchObject({ reason: 'refused' });
  });

  it('bears anything that can be thrown', () => {
    for (const thrown of [undefined, null, 'text', new Error(''), new AggregateError([], '')]) {
      expect(describeSocketError(thrown, 'host:1', 'open').detail).toMatch(/host:1/);
    }
  });
});
