import type { Failure, Reason } from './reason.ts';

/** How far a connection had come; `open`: ready to use. */
export type ConnectPhase = 'dns' | 'connect' | 'tls' | 'open';

/**
 * Says in one sentence what an error of a socket means, and in which of the closed reasons it falls.
 * `where` is `host:port`; `phase` is how far the connection had come, because the same code means different things
 * (a reset during the TLS handshake is a TLS failure, a time-out in the kernel after it is a cut).
 */
export function describeSocketError(error: unknown, where: string, phase: ConnectPhase): Failure {
  const { code, message } = firstError(error);
  const known = code === undefined ? undefined : causes[code];
  if (known?.always) return { reason: known.reason, detail: `${where} ${known.says}` };
  if (phase === 'tls' || isTlsCode(code)) {
    return {
      reason: 'tls',
      detail: `TLS with ${where} failed: ${tlsCause(code, message)}; check the certificate and that this port speaks TLS`,
    };
  }
  if (phase === 'connect' && code === 'ETIMEDOUT') return connectTimeout(where);
  if (known) return { reason: known.reason, detail: `${where} ${known.says}` };
  return {
    reason: phase === 'open' ? 'reset' : phase === 'dns' ? 'dns' : 'refused',
    detail: `the connection with ${where} failed: ${message || code || 'unknown error'}`,
  };
}

export function connectTimeout(where: string): Failure {
  return {
    reason: 'connect-timeout',
    detail: `${where} did not accept a connection in time; check the address, the firewall and whether the server is overloaded`,
  };
}

interface Cause {
  readonly reason: Reason;
  /** Follows `host:port`. */
  readonly says: string;
  /** Means the same in every phase. */
  readonly always?: true;
}

const generatorLimit = (says: string): Cause => ({ reason: 'generator-limit', says, always: true });
const noSuchName: Cause = {
  reason: 'dns',
  says: 'cannot be resolved: there is no such host name; check its spelling',
  always: true,
};
const unreachable: Cause = {
  reason: 'refused',
  says: 'cannot be reached: no route leads there; check the address and the network',
  always: true,
};
const cut: Cause = {
  reason: 'reset',
  says: 'cut the connection (reset); the server or something on the way dropped this client',
};

const causes: Readonly<Record<string, Cause>> = {
  ECONNREFUSED: {
    reason: 'refused',
    says: 'refused the connection: nothing listens there; check that the server runs and the port is right',
    always: true,
  },
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  EACCES: { reason: 'refused', says: 'may not be connected to from this machine (permission)', always: true },
  ENOTFOUND: noSuchName,
  ENODATA: noSuchName,
  EAI_AGAIN: {
    reason: 'dns',
    says: 'cannot be resolved: the name server did not answer; check the network and DNS',
    always: true,
  },
  ECONNRESET: cut,
  EPIPE: cut,
  ECONNABORTED: cut,
  ETIMEDOUT: {
    reason: 'reset',
    says: 'no longer acknowledges what is sent to it; the network or the server is gone',
  },
  EADDRNOTAVAIL: generatorLimit(
    'cannot be connected to from here: the local address has no free port left, or is none of this machine; let viewers start from more addresses (options.sourceAddresses), widen net.ipv4.ip_local_port_range, or use fewer viewers',
  ),
  EMFILE: generatorLimit('cannot be connected to: too many open files here; raise the limit (ulimit -n)'),
  ENFILE: generatorLimit('cannot be connected to: too many open files on this machine'),
  ENOBUFS: generatorLimit('cannot be connected to: this machine has no memory left for sockets'),
  ENOMEM: generatorLimit('cannot be connected to: this machine has no memory left for sockets'),
};

function isTlsCode(code: string | undefined): boolean {
  return (
    code !== undefined && (/^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_)/.test(code) || certificateCodes.has(code))
  );
}

const certificateCodes = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'HOSTNAME_MISMATCH',
  'EPROTO',
]);

function tlsCause(code: string | undefined, message: string): string {
  switch (code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return 'its certificate is self-signed (verification can be switched off for a laboratory)';
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'its certificate is not signed by an authority that is trusted here';
    case 'CERT_HAS_EXPIRED':
      return 'its certificate has expired';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'HOSTNAME_MISMATCH':
      return 'its certificate is for another name';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'it closed the connection during the handshake';
    default:
      // OpenSSL's own text has source files and line numbers in it: "…:error:0A00010B:SSL routines:…:wrong version number:../deps/…".
      return /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? (message || code || 'unknown error');
  }
}

/** With several addresses Node gives an AggregateError with an empty message: the first of its errors speaks for all. */
function firstError(error: unknown): { code: string | undefined; message: string } {
  const inner = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
  if (!(inner instanceof Error)) return { code: undefined, message: String(inner) };
  const { code } = inner as NodeJS.ErrnoException;
  return { code: typeof code === 'string' ? code : undefined, message: inner.message };
}
