/**
 * A self-signed certificate for development, made with node:crypto alone: P-256, SHA-256, one year. It is its own
 * authority, so a client that is given it as such (`--ca`, `-ca_file`) checks it in full.
 *
 *     Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature }      RFC 5280, 4.1
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import type { TlsMaterial } from './tls-material.ts';

/** X.690, 8.1.2: tags. */
const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
  extensions: 0xa3,
  dnsName: 0x82,
  ipAddress: 0x87,
};
/** Object identifiers, coded. */
const oid = {
  ecdsaWithSha256: hex('06082a8648ce3d040302'),
  commonName: hex('0603550403'),
  keyUsage: hex('0603551d0f'),
  subjectAltName: hex('0603551d11'),
  basicConstraints: hex('0603551d13'),
  extendedKeyUsage: hex('0603551d25'),
  serverAuth: hex('06082b06010505070301'),
};

const yearMs = 365 * 86_400_000;
/** Clocks of clients may be behind. */
const headStartMs = 3_600_000;

/**
 * @param names host names and addresses that it is good for
 * @param nowMs milliseconds since the epoch
 * @param serial 16 random bytes
 */
export function makeDevelopmentCertificate(
  names: readonly string[],
  nowMs: number,
  serial: Uint8Array,
): TlsMaterial {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(tag.sequence, oid.ecdsaWithSha256);
  const commonName = der(tag.utf8, Buffer.from('streamgauge development'));
  const name = der(tag.sequence, der(tag.set, der(tag.sequence, oid.commonName, commonName)));
  const toBeSigned = der(
    tag.sequence,
    der(tag.version, der(tag.integer, hex('02'))),
    // 4.1.2.2: positive, and not padded.
    der(tag.integer, Buffer.from([0x40 | ((serial[0] ?? 0) & 0x3f), ...serial.subarray(1, 16)])),
    algorithm,
    name,
    der(tag.sequence, time(nowMs - headStartMs), time(nowMs + yearMs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(tag.extensions, der(tag.sequence, ...extensions(names))),
  );
  const certificate = der(tag.sequence, toBeSigned, algorithm, bits(sign('sha256', toBeSigned, privateKey)));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  };
}

/** RFC 5280, 4.2.1. */
function extensions(names: readonly string[]): Buffer[] {
  const critical = der(tag.boolean, hex('ff'));
  return [
    der(tag.sequence, oid.basicConstraints, critical, der(tag.octetString, der(tag.sequence, critical))),
    // digitalSignature (bit 0) and keyCertSign (bit 5); two bits of the byte are not used.
    der(tag.sequence, oid.keyUsage, critical, der(tag.octetString, der(tag.bitString, hex('0284')))),
    der(tag.sequence, oid.extendedKeyUsage, der(tag.octetString, der(tag.sequence, oid.serverAuth))),
    der(tag.sequence, oid.subjectAltName, der(tag.octetString, der(tag.sequence, ...names.map(generalName)))),
  ];
}

function generalName(name: string): Buffer {
  return isIP(name) === 0
    ? der(tag.dnsName, Buffer.from(name, 'latin1'))
    : der(tag.ipAddress, addressBytes(name));
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // The URL parser writes any IPv6 address in its shortest form: at most one "::", and no IPv4 in it.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text = '') => (text === '' ? [] : text.split(':'));
  const [left, right] = [groups(head), groups(tail)];
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  return hex([...left, ...zeros, ...right].map((group) => group.padStart(4, '0')).join(''));
}

/** RFC 5280, 4.1.2.5: two digits for the year until 2049, four from 2050. */
function time(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`;
  const short = text < '2050';
  return der(short ? tag.utcTime : tag.generalizedTime, Buffer.from(short ? text.slice(2) : text, 'latin1'));
}

function bits(bytes: Buffer): Buffer {
  return der(tag.bitString, Buffer.from([0]), bytes);
}

/** X.690, 8.1: tag, length in its shortest form, contents. */
function der(type: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const { length } = body;
  if (length < 0x80) return Buffer.concat([Buffer.from([type, length]), body]);
  if (length < 0x100) return Buffer.concat([Buffer.from([type, 0x81, length]), body]);
  return Buffer.concat([Buffer.from([type, 0x82, length >> 8, length & 0xff]), body]);
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}
