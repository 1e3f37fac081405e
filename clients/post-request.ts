import type { HttpTarget } from './http-request.ts';

/**
 * The header of a POST whose body has no end yet (RFC 9112, 7.1). With `expectContinue` the server is asked to say
 * whether it wants the body at all before it comes (RFC 9110, 10.1.1).
 */
export function postRequest(target: HttpTarget, expectContinue: boolean): Uint8Array {
  const fields = [
    `host: ${target.host}`,
    'user-agent: streamgauge',
    'accept: */*',
    'content-type: video/x-flv',
    'transfer-encoding: chunked',
    'connection: close',
    ...(target.authorization === null ? [] : [`authorization: ${target.authorization}`]),
    ...(expectContinue ? ['expect: 100-continue'] : []),
  ];
  return Buffer.from(`POST ${target.path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`, 'latin1');
}
