import { gzipSync } from 'node:zlib';
import { ContentDecoder, contentCoding } from '../../clients/http/content-decoder.ts';
import { rangeMismatch } from '../../clients/http/content-range.ts';
import { followRedirect } from '../../clients/http/redirect.ts';
import { type HttpHead, HttpResponseReader } from '../../clients/http-response.ts';
import { type Cmcd, cmcdHeaders, withCmcd, withoutCmcd } from '../../core/hls-player/cmcd.ts';
import { parseMachineCpu, parseProcessStat, parseResidentBytes } from '../../core/proc/process-stat.ts';
import { TcpTableReader } from '../../core/proc/tcp-table.ts';
import { readPrometheusText } from '../../probes/target/prometheus-text.ts';
import { parseSocketStatistics } from '../../probes/target/socket-bytes.ts';
import { evenIfCut, type FuzzTarget, pushAll, text } from './target.ts';

const decodeLimits = { bodyBytes: 50_000, expansion: 20, expansionFromBytes: 10_000 };

/** What becomes of an answer's head beyond the reader: redirect, range, coding. Content is decoded as it is for playlists. */
function answer(bytes: Uint8Array, cuts: readonly number[]): string {
  const lines: string[] = [];
  let decoder: ContentDecoder | null = null;
  let contentBytes = 0;
  const take = (head: HttpHead): void => {
    const from = 'https://host:8443/live/a.m3u8?sign=1';
    const next = followRedirect(head.headers.get('location'), [from], {
      redirects: 5,
      urlChars: 2_000,
      allowDowngrade: false,
    });
    lines.push(JSON.stringify(next));
    if ('url' in next && !/^https:\/\/[^#]{1,2000}$/.test(next.url)) throw new Error(`led to ${next.url}`);
    lines.push(rangeMismatch(head, { offset: 100, length: 50 }) ?? 'in range');
    const coding = contentCoding(head.headers.get('content-encoding'));
    if (!coding) return;
    decoder = new ContentDecoder(coding, null, decodeLimits, {
      body: (_, start, end) => {
        contentBytes += end - start;
      },
      decoded: () => lines.push(`decoded ${contentBytes}`),
      undecodable: (problem) => lines.push(problem),
      drained: () => {},
    });
  };
  const reader = new HttpResponseReader({
    head: take,
    body: (piece, start, end) => decoder?.push(piece, start, end),
  });
  lines.push(pushAll(bytes, cuts, (start, end) => reader.push(bytes, start, end)));
  (decoder as ContentDecoder | null)?.end();
  if (contentBytes > decodeLimits.bodyBytes) throw new Error(`${contentBytes} bytes were let through`);
  return lines.join('\n');
}

/** Bytes of any value in the strings of a header would let a playlist's name add headers of its own. */
function cmcd(bytes: Uint8Array): void {
  const name = new TextDecoder('latin1').decode(bytes);
  const data: Cmcd = { v: 2, cid: name, sid: 'x', ot: 'av', bl: bytes.length * 37, su: true, nor: name };
  const url = `http://host/${encodeURI(name).replace(/[=#]/g, '')}`;
  if (withoutCmcd(withCmcd(url, data)) !== url) throw new Error(`CMCD stays in ${withCmcd(url, data)}`);
  for (const value of Object.values(cmcdHeaders(data)))
    if (!/^[\x20-\x7e]*$/.test(value)) throw new Error(`no header: ${JSON.stringify(value)}`);
}

function machineTexts(bytes: Uint8Array): void {
  const words = new TextDecoder('latin1').decode(bytes);
  const finite = (value: number): void => {
    if (!Number.isFinite(value)) throw new Error(`a figure is no number: ${value}`);
  };
  const stat = parseProcessStat(words);
  if (stat) for (const value of [stat.pid, stat.cpuMs, stat.threads, stat.startTicks]) finite(value);
  finite(parseResidentBytes(words) ?? 0);
  for (const value of Object.values(parseMachineCpu(words) ?? {}))
    if (typeof value === 'number') finite(value);
  for (const { acknowledged, received } of parseSocketStatistics(words).values()) {
    finite(acknowledged);
    finite(received);
  }
  readPrometheusText(words, new Set(['process_cpu_seconds_total', 'up']), ({ value }) => finite(value));
  evenIfCut(bytes, (all, cuts) => {
    const lines: string[] = [];
    const reader = new TcpTableReader({ socket: (...figures) => lines.push(figures.join()) });
    lines.push(pushAll(all, cuts, (start, end) => reader.push(all.subarray(start, end))));
    if (lines.join().includes('NaN')) throw new Error(lines.join('\n'));
    return lines.join('\n');
  });
}

/** What comes after an answer's syntax, and texts that the machine and servers give about themselves. */
export const answerTargets: Readonly<Record<string, FuzzTarget>> = {
  'http-answer': {
    words: [
      'Location: ',
      'http://',
      '//host',
      'file:///etc',
      'Content-Range: bytes ',
      '100-149/*',
      'Content-Encoding: ',
      'deflate',
      'br',
    ],
    seeds: () => [
      ...text(
        'HTTP/1.1 302 Found\r\nLocation: ../b.m3u8?x=1#f\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 307 T\r\nLocation: https://user:pass@other/b.m3u8\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 206 P\r\nContent-Range: bytes 100-149/1000\r\nContent-Length: 50\r\n\r\n',
      ),
      new Uint8Array(
        Buffer.concat([
          Buffer.from('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n'),
          gzipSync('#EXTM3U\n'.repeat(40)),
        ]),
      ),
    ],
    run: (bytes) => evenIfCut(bytes, answer),
  },
  cmcd: {
    words: ['CMCD=', '"', '\\', '\r\n', '&', '?', '%'],
    seeds: () => text('live/a.m3u8', 'a?b=1&c=2', 'a"b\\c', '\u00e9\u0000'),
    run: cmcd,
  },
  'machine-texts': {
    words: [
      ') R ',
      'VmRSS:',
      ' kB',
      'cpu  ',
      '0A 00000000:00000000',
      ' bytes_acked:',
      '{',
      '"} ',
      'NaN',
      '+Inf',
      '1e9',
    ],
    seeds: () =>
      text(
        `12 (no (de) x) S 1 ${'3 '.repeat(30)}\n`,
        'Name:\tnode\nVmRSS:\t  1234 kB\n',
        'cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n',
        '  sl  local_address rem_address   st\n   0: 0100007F:0790 0100007F:D2E6 01 00000000:0000A3F0 00:00000000 00000000     0        0 40215 1 0\n',
        'ESTAB 0 0 127.0.0.1:80 127.0.0.1:9\n\t cubic bytes_acked:123 bytes_received:45 x\n',
        '# HELP up x\nup{a="b}\\"",c="d"} 1 1700000000\nprocess_cpu_seconds_total 1.5e3\n',
      ),
    run: machineTexts,
  },
};
