import { expect, test } from 'vitest';
import { TCP_ESTABLISHED, TCP_LISTEN, TcpTableReader } from './tcp-table.ts';

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 00000000:07E8 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 1589 1 0000000031e800ec 100 0 0 10 0                      
 100: 0100007F:D2E6 0100007F:07E8 01 00000010:0000A3F0 02:00000A7B 00000000  1000        0 402156789 2 0000000000000000 20 4 30 10 -1
   2: 0100007F:07E8 0100007F:D2E6 06 00000000:00000000 03:0000176F 00000000     0        0 0 3 0000000000000000
`;
const table6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:1F40 00000000000000000000000001000000:C350 01 00000000:00000007 00:00000000 00000000     0        0 77 1 0 20 4 0 10 -1
`;

function read(text: string, pieceLength = Number.MAX_SAFE_INTEGER): number[][] {
  const found: number[][] = [];
  const reader = new TcpTableReader({ socket: (...figures) => found.push(figures) });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += pieceLength) reader.push(bytes.subarray(at, at + pieceLength));
  return found;
}

const known = [
  [0x7e8, 0, TCP_LISTEN, 3, 0, 1589],
  [0xd2e6, 0x7e8, TCP_ESTABLISHED, 0xa3f0, 16, 402156789],
  [0x7e8, 0xd2e6, 6, 0, 0, 0],
];

test('every socket of the table is read, its head is not', () => {
  expect(read(table)).toEqual(known);
  expect(read(table6)).toEqual([[8000, 50000, TCP_ESTABLISHED, 7, 0, 77]]);
});

test('pieces of any size give the same', () => {
  for (let length = 1; length < 200; length++) expect(read(table, length)).toEqual(known);
});

test('what is no such line is passed over', () => {
  expect(read('\n:\n::::\n 1: zz\n 1: 0:1 0:2 01\n')).toEqual([]);
  expect(read(`${'1: 0100007F:D2E6 '.repeat(1000)}\n${table}`)).toEqual(known);
  expect(read(table.slice(0, 400))).toEqual(known.slice(0, 1));
});
