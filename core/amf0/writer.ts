import { encodeUtf8 } from './utf8.ts';
import {
  AMF_BOOLEAN,
  AMF_DATE,
  AMF_LONG_STRING,
  AMF_NULL,
  AMF_NUMBER,
  AMF_OBJECT,
  AMF_OBJECT_END,
  AMF_STRICT_ARRAY,
  AMF_STRING,
  AMF_UNDEFINED,
  type AmfValue,
} from './value.ts';

const MAX_SHORT_STRING_BYTES = 0xffff;

/**
 * Writes the values one after another. Plain objects become AMF0 objects, arrays strict arrays, and a string of more
 * than 65,535 bytes a long string. Lone surrogates are replaced by U+FFFD.
 *
 * @throws RangeError when a property's name is longer than 65,535 bytes, which AMF0 cannot say.
 */
export function writeAmf0(...values: AmfValue[]): Uint8Array {
  const writer = new Amf0Writer();
  for (const value of values) writer.value(value);
  return writer.finish();
}

class Amf0Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  value(value: AmfValue): void {
    if (typeof value === 'string') this.#string(value);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'boolean') this.#boolean(value);
    else if (value === undefined) this.#u8(AMF_UNDEFINED);
    else if (value === null) this.#u8(AMF_NULL);
    else if (value instanceof Date) this.#date(value);
    else if (Array.isArray(value)) this.#array(value);
    else this.#object(value);
  }

  #number(value: number): void {
    this.#u8(AMF_NUMBER);
    this.#double(value);
  }

  #boolean(value: boolean): void {
    this.#u8(AMF_BOOLEAN);
    this.#u8(value ? 1 : 0);
  }

  #string(text: string): void {
    const encoded = encodeUtf8(text);
    if (encoded.length <= MAX_SHORT_STRING_BYTES) {
      this.#u8(AMF_STRING);
      this.#u16(encoded.length);
    } else {
      this.#u8(AMF_LONG_STRING);
      this.#u32(encoded.length);
    }
    this.#append(encoded);
  }

  #date(date: Date): void {
    this.#u8(AMF_DATE);
    this.#double(date.getTime());
    this.#u16(0); // time zone: reserved, section 2.13
  }

  #array(array: AmfValue[]): void {
    this.#u8(AMF_STRICT_ARRAY);
    this.#u32(array.length);
    for (const element of array) this.value(element);
  }

  #object(object: { [key: string]: AmfValue }): void {
    this.#u8(AMF_OBJECT);
    for (const [name, value] of Object.entries(object)) {
      this.#name(name);
      this.value(value);
    }
    this.#name('');
    this.#u8(AMF_OBJECT_END);
  }

  #name(name: string): void {
    const encoded = encodeUtf8(name);
    if (encoded.length > MAX_SHORT_STRING_BYTES)
      throw new RangeError('an AMF0 property name is at most 65,535 bytes');
    this.#u16(encoded.length);
    this.#append(encoded);
  }

  #u8(value: number): void {
    const at = this.#claim(1);
    this.#view.setUint8(at, value);
  }

  #u16(value: number): void {
    const at = this.#claim(2);
    this.#view.setUint16(at, value);
  }

  #u32(value: number): void {
    const at = this.#claim(4);
    this.#view.setUint32(at, value);
  }

  #double(value: number): void {
    const at = this.#claim(8);
    this.#view.setFloat64(at, value);
  }

  #append(encoded: Uint8Array): void {
    const at = this.#claim(encoded.length);
    this.#bytes.set(encoded, at);
  }

  /** Makes room for `count` bytes and returns where they start; may replace #bytes and #view, so claim first. */
  #claim(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
