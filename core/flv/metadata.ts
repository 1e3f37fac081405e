import { type AmfValue, readAmf0, writeAmf0 } from '../amf0/amf0.ts';

/** What onMetaData says: width, height, framerate, videodatarate, … All of it hearsay: encoders leave it out or lie. */
export type Metadata = { [name: string]: AmfValue };

/**
 * Reads the script tag body `bytes[start, end)` (Adobe FLV 10.1, E.5). Null if it is another message (onTextData,
 * |RtmpSampleAccess …). `@setDataFrame`, with which RTMP publishers wrap it, is undone: some servers hand it on as it is.
 * Throws a `ProtocolError` (`AMF_…`) on broken AMF0.
 */
export function readMetadata(bytes: Uint8Array, start = 0, end = bytes.length): Metadata | null {
  const values = readAmf0(bytes, start, end);
  if (values[0] === '@setDataFrame') values.shift();
  const [name, metadata] = values;
  if (name !== 'onMetaData' || !isMetadata(metadata)) return null;
  return metadata;
}

/** A script tag body with onMetaData: as it stands in FLV, or wrapped in `@setDataFrame` for an RTMP publisher. */
export function writeMetadata(metadata: Metadata, form: 'flv' | 'rtmp-publish' = 'flv'): Uint8Array {
  return form === 'flv'
    ? writeAmf0('onMetaData', metadata)
    : writeAmf0('@setDataFrame', 'onMetaData', metadata);
}

function isMetadata(value: AmfValue): value is Metadata {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
