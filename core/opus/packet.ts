/** Opus counts time at 48 kHz, whatever was put in (RFC 6716, 2). */
export const OPUS_SAMPLE_RATE = 48_000;

/** Samples per frame by the configuration in the TOC byte (RFC 6716, 3.1, table 2). */
function frameSamples(configuration: number): number {
  if (configuration >= 16) return 120 << (configuration & 3); // CELT: 2.5, 5, 10, 20 ms
  if (configuration >= 12) return configuration & 1 ? 960 : 480; // hybrid: 10, 20 ms
  return [480, 960, 1920, 2880][configuration & 3]!; // SILK: 10, 20, 40, 60 ms
}

/** Samples of a packet at 48 kHz (RFC 6716, 3.2); 0 if it is empty or cut short. */
export function opusPacketSamples(packet: Uint8Array): number {
  const [toc, count] = packet;
  if (toc === undefined) return 0;
  const samples = frameSamples(toc >> 3);
  const code = toc & 3;
  if (code === 0) return samples;
  if (code < 3) return 2 * samples;
  return count === undefined ? 0 : (count & 0x3f) * samples;
}
