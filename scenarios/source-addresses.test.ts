import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expandSourceAddresses, MAX_SOURCE_ADDRESSES, SourceAddressError } from './source-addresses.ts';

test.each([
  [['127.0.0.2'], ['127.0.0.2']],
  [['127.0.0.254-127.0.1.1'], ['127.0.0.254', '127.0.0.255', '127.0.1.0', '127.0.1.1']],
  [
    ['127.0.0.2 - 127.0.0.3', '127.0.0.3'],
    ['127.0.0.2', '127.0.0.3'],
  ],
  [['10.0.7.5/30'], ['10.0.7.5', '10.0.7.6']],
  [['10.0.7.4/31'], ['10.0.7.4', '10.0.7.5']],
  [['10.0.7.4/32'], ['10.0.7.4']],
  [
    ['2001:db8::5', '::ffff:10.0.0.1'],
    ['2001:db8::5', '::ffff:10.0.0.1'],
  ],
  [['255.255.255.255'], ['255.255.255.255']],
])('%j', (texts, addresses) => {
  expect(expandSourceAddresses(texts)).toEqual(addresses);
});

test.each([
  ['10.0.0.9-10.0.0.2', /ends before it begins/],
  ['10.0.0.0/8', /16777216 source addresses; 4096 are the most/],
  ['0.0.0.0-255.255.255.255', /4294967296 source addresses/],
  ['10.0.0.0/33', /\/0 to \/32/],
  ['10.0.0.256', /no address of this machine/],
  ['10.0.0', /no address of this machine/],
  ['eth0', /no address of this machine/],
  ['', /no address of this machine/],
])('%s is refused', (text, sentence) => {
  expect(() => expandSourceAddresses([text])).toThrow(SourceAddressError);
  expect(() => expandSourceAddresses([text])).toThrow(sentence);
});

test('the bound holds for several together', () => {
  const blocks = ['10.0.0.0/21', '10.1.0.0/21', '10.2.0.0/21'];
  expect(expandSourceAddresses(blocks.slice(0, 2))).toHaveLength(2 * 2046);
  expect(() => expandSourceAddresses(blocks)).toThrow(String(MAX_SOURCE_ADDRESSES));
});

test('whatever is written: addresses or one sentence', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('0', '1', '2', '9', '.', '-', '/', ':', ' ', 'f') }),
      (text) => {
        try {
          expect(expandSourceAddresses([text]).length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(SourceAddressError);
        }
      },
    ),
  );
});
