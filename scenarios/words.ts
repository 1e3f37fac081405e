/** The closed lists of words of a scenario; without the schema's weight, because the command line's help shows them. */

export const playerNames = ['mpegts.js', 'hls.js', 'ffplay-nobuffer', 'webrtc', 'plain'] as const;

export const protocols = ['rtmp', 'http-flv', 'ws-flv'] as const;
export type Protocol = (typeof protocols)[number];

/** The end of a sentence on viewers that this version has not. */
export const notCarriedOut = `are not carried out by this version; ${protocols.slice(0, -1).join(', ')} and ${protocols.at(-1)} are`;

/** Words of scenarios to come, by where they would stand: refused with a sentence, because ignoring them would be a lie. */
export const planned: Readonly<Record<string, string>> = {
  link: 'links with limited bandwidth, delay or cuts are not carried out by this version; remove the key, or shape the network outside (tc, toxiproxy)',
  faults: 'faults are not carried out by this version; remove the key',
  hls: `viewers of the protocol "hls" ${notCarriedOut}`,
  whep: `viewers of the protocol "whep" ${notCarriedOut}`,
};
