/** AMF0 in one import: the value type, the reader and the writer. */
export { readAmf0 } from './reader.ts';
export type { AmfValue } from './value.ts';
export { writeAmf0 } from './writer.ts';
