import { ProtocolError } from '../media.ts';
import { decodeUtf8 } from './utf8.ts';
import {
  AMF_BOOLEAN,
  AMF_DATE,
  AMF_ECMA_ARRAY,
  AMF_LONG_STRING,
  AMF_NULL,
  AMF_NUMBER,
  AMF_OBJECT,
  AMF_OBJECT_END,
  AMF_REFERENCE,
  AMF_STRICT_ARRAY,
  AMF_STRING,
  AMF_TYPED_OBJECT,
  AMF_UNDEFINED,
  AMF_UNSUPPORTED,
  AMF_XML_DOCUMENT,
  type AmfValue,
} from './value.ts';

/** Nesting of objects and arrays; real commands and metadata use 3. */
const MAX_DEPTH = 32;
/** Values in all, what references stand for included; the seek index of a day-long recording stays below. */
const MAX_VALUES = 65_536;
/** One string; a short one cannot be longer anyway. */
const MAX_STRING_BYTES = 65_536;

/**
 * Reads all values in `bytes[start, end)`.
 *
 * Objects, typed objects (their class name is dropped) and ECMA arrays become plain objects, "unsupported" becomes
 * `undefined`, an XML document its text. A date's time zone is ignored, as section 2.13 asks.
 *
 * @throws ProtocolError `AMF_TRUNCATED`, `AMF_MARKER`, `AMF_REFERENCE`, `AMF_TOO_DEEP`, `AMF_TOO_MANY_VALUES`,
 *   `AMF_STRING_TOO_LONG`
 */
export function readAmf0(bytes: Uint8Array, start = 0, end = bytes.length): AmfValue[] {
  const reader = new Amf0Reader(bytes, start, end);
  const values: AmfValue[] = [];
  while (!reader.atEnd) values.push(reader.value());
  return values;
}

type Container = AmfValue[] | { [key: string]: AmfValue };

class Amf0Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #position: number;
  #depth = 0;
  #values = 0;
  /** What markers of type reference point into (section 2.9), in order of appearance … */
  readonly #containers: Container[] = [];
  /** … and how many values each stands for; 0 while it is still being read. */
  readonly #containerValues: number[] = [];

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#position = start;
    this.#end = Math.min(end, bytes.length);
  }

  get atEnd(): boolean {
    return this.#position >= this.#end;
  }

  value(): AmfValue {
    this.#count(1);
    const marker = this.#u8();
    switch (marker) {
      case AMF_NUMBER:
        return this.#double();
      case AMF_BOOLEAN:
        return this.#u8() !== 0;
      case AMF_STRING:
        return this.#string(this.#u16());
      case AMF_OBJECT:
        return this.#container({}, (object) => this.#properties(object));
      case AMF_NULL:
        return null;
      case AMF_UNDEFINED:
      case AMF_UNSUPPORTED:
        return undefined;
      case AMF_REFERENCE:
        return this.#reference(this.#u16());
      case AMF_ECMA_ARRAY:
        this.#u32(); // the count is a hint: encoders write 0 or a wrong one, the end marker decides
        return this.#container({}, (object) => this.#properties(object));
      case AMF_STRICT_ARRAY:
        return this.#container([] as AmfValue[], (array) => this.#elements(array));
      case AMF_DATE:
        return this.#date();
      case AMF_LONG_STRING:
      case AMF_XML_DOCUMENT:
        return this.#string(this.#u32());
      case AMF_TYPED_OBJECT:
        this.#string(this.#u16());
        return this.#container({}, (object) => this.#properties(object));
      default:
        throw new ProtocolError(
          'AMF_MARKER',
          `AMF0 type marker ${marker} at byte ${this.#position - 1} is not known`,
        );
    }
  }

  #container<T extends Container>(container: T, fill: (container: T) => void): T {
    if (++this.#depth > MAX_DEPTH) {
      throw new ProtocolError('AMF_TOO_DEEP', `AMF0 objects are nested deeper than ${MAX_DEPTH}`);
    }
    const index = this.#containers.push(container) - 1;
    this.#containerValues.push(0);
    const before = this.#values;
    fill(container);
    this.#containerValues[index] = this.#values - before + 1;
    this.#depth--;
    return container;
  }

  #properties(object: { [key: string]: AmfValue }): void {
    for (;;) {
      const name = this.#string(this.#u16());
      if (name === '' && this.#position < this.#end && this.#bytes[this.#position] === AMF_OBJECT_END) {
        this.#position++;
        return;
      }
      const value = this.value();
      if (name === '__proto__') {
        // Plain assignment would replace the prototype instead of making a property.
        Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
      } else object[name] = value;
    }
  }

  #elements(array: AmfValue[]): void {
    const count = this.#u32();
    // Nothing is allocated for the count: each element takes a byte at least, so the data ends an impossible one.
    for (let i = 0; i < count; i++) array.push(this.value());
  }

  #reference(index: number): Container {
    const container = this.#containers[index];
    const values = this.#containerValues[index];
    if (container === undefined || !values) {
      // A reference to an object that is still open would make a cycle, which nobody sends and few callers survive.
      throw new ProtocolError('AMF_REFERENCE', `AMF0 reference ${index} does not point to a finished object`);
    }
    // References can double what they stand for at each step; counting it keeps a walk over the result bounded.
    this.#count(values);
    return container;
  }

  #date(): Date {
    const milliseconds = this.#double();
    this.#u16();
    return new Date(milliseconds);
  }

  #double(): number {
    this.#need(8);
    const value = this.#view.getFloat64(this.#position);
    this.#position += 8;
    return value;
  }

  #u8(): number {
    this.#need(1);
    return this.#bytes[this.#position++] as number;
  }

  #u16(): number {
    this.#need(2);
    const value = this.#view.getUint16(this.#position);
    this.#position += 2;
    return value;
  }

  #u32(): number {
    this.#need(4);
    const value = this.#view.getUint32(this.#position);
    this.#position += 4;
    return value;
  }

  #string(length: number): string {
    if (length > MAX_STRING_BYTES) {
      throw new ProtocolError(
        'AMF_STRING_TOO_LONG',
        `AMF0 string of ${length} bytes, at most ${MAX_STRING_BYTES}`,
      );
    }
    this.#need(length);
    const text = decodeUtf8(this.#bytes, this.#position, this.#position + length);
    this.#position += length;
    return text;
  }

  #count(values: number): void {
    this.#values += values;
    if (this.#values > MAX_VALUES) {
      throw new ProtocolError('AMF_TOO_MANY_VALUES', `AMF0 data of more than ${MAX_VALUES} values`);
    }
  }

  #need(length: number): void {
    const left = this.#end - this.#position;
    if (length > left) {
      throw new ProtocolError('AMF_TRUNCATED', `AMF0 data ends early: ${length} bytes wanted, ${left} left`);
    }
  }
}
