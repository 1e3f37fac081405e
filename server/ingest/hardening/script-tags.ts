/**
 * Defect 6, second half: script messages as players want them.
 *
 * An RTMP publisher says `@setDataFrame onMetaData {…}`, an instruction to the server to keep what follows
 * (Adobe FLV 10.1, E.4.4.1 and the RTMP commands guide). node-media-server passes it on with the instruction,
 * and takes any script message for the metadata.
 */
import type NodeMediaServer from 'node-media-server';

type Packet = NodeMediaServer.Packet;

const amf0Script = 18;
const amf3Script = 15;
const scriptFlag = 5;
/** AMF0 string markers with length and text, as they begin a script message. */
const setDataFrame = Buffer.from('\x02\x00\x0d@setDataFrame', 'latin1');
const onMetaData = Buffer.from('\x02\x00\x0aonMetaData', 'latin1');

/** Rewrites a script message in place; other messages are left alone. */
export function tidyScript(packet: Packet): void {
  // Type 15 is a script in AMF3 clothes: one zero byte, then AMF0. node-media-server would keep it as audio set-up.
  if (packet.codec_type === amf3Script) {
    packet.codec_type = amf0Script;
    packet.flags = scriptFlag;
    cut(packet, 1);
  }
  if (packet.codec_type === amf0Script && startsWith(packet, setDataFrame)) cut(packet, setDataFrame.length);
}

/** Whether this is the script message that a later viewer must be given first. */
export function isMetaData(packet: Packet): boolean {
  return packet.codec_type === amf0Script && startsWith(packet, onMetaData);
}

function cut(packet: Packet, bytes: number): void {
  packet.data = packet.data.subarray(bytes);
  packet.size -= bytes;
}

function startsWith(packet: Packet, beginning: Buffer): boolean {
  return (
    packet.size >= beginning.length &&
    packet.data.compare(beginning, 0, beginning.length, 0, beginning.length) === 0
  );
}
