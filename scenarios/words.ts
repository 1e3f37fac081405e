/** The closed lists of words of a scenario; without the schema's weight, because the command line's help shows them. */

export const playerNames = ['mpegts.js', 'hls.js', 'ffplay-nobuffer', 'webrtc', 'plain'] as const;

export const protocols = ['rtmp', 'http-flv'] as const;
export type Protocol = (typeof protocols)[number];

/** Words of scenarios to come, by where they would stand: refused with a sentence, because ignoring them would be a lie. */
export const planned: Readonly<Record<string, string>> = {
  link: 'links with limited bandwidth, delay or cuts are not carried out by this version; remove the key, or shape the network outside (tc, toxiproxy)',
  faults: 'faults are not carried out by this version; remove the key',
  'ws-flv': 'viewers of the protocol "ws-flv" are not carried out by this version; rtmp and http-flv are',
  hls: 'viewers of the protocol "hls" are not carried out by this version; rtmp and http-flv are',
  whep: 'viewers of the protocol "whep" are not carried out by this version; rtmp and http-flv are',
};
