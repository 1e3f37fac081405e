/** AMF0 (Adobe "Action Message Format -- AMF 0", 2007): the values inside RTMP commands and FLV script tags. */
export type AmfValue =
  | number
  | boolean
  | string
  | null
  | undefined
  | Date
  | AmfValue[]
  | { [key: string]: AmfValue };

/** Type markers, section 2.1. */
export const AMF_NUMBER = 0x00;
export const AMF_BOOLEAN = 0x01;
export const AMF_STRING = 0x02;
export const AMF_OBJECT = 0x03;
export const AMF_NULL = 0x05;
export const AMF_UNDEFINED = 0x06;
export const AMF_REFERENCE = 0x07;
export const AMF_ECMA_ARRAY = 0x08;
export const AMF_OBJECT_END = 0x09;
export const AMF_STRICT_ARRAY = 0x0a;
export const AMF_DATE = 0x0b;
export const AMF_LONG_STRING = 0x0c;
export const AMF_UNSUPPORTED = 0x0d;
export const AMF_XML_DOCUMENT = 0x0f;
export const AMF_TYPED_OBJECT = 0x10;
