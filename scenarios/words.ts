/** The closed lists of words of a scenario; without the schema's weight, because the command line's help shows them. */

export const playerNames = ['mpegts.js', 'hls.js', 'ffplay-nobuffer', 'webrtc', 'plain'] as const;

export const protocols = ['rtmp', 'http-flv', 'ws-flv', 'hls'] as const;
export type Protocol = (typeof protocols)[number];

/** Links by name; their numbers are in `core/link/presets.ts`. */
export const linkPresetNames = [
  'edge',
  '2g',
  '3g-slow',
  '3g',
  '3g-fast',
  '4g',
  'lte',
  'dsl',
  'cable',
  'fios',
] as const;

/** How streams are published. */
export const publishProtocols = ['rtmp', 'http-flv'] as const;
export type PublishProtocol = (typeof publishProtocols)[number];

/** What is done on purpose. */
export const faultKinds = ['publisher-drop', 'publisher-stop'] as const;

/** Behaviours that need no more than their name. */
export const behaviourNames = ['normal', 'zapper', 'pause-and-return', 'connect-only', 'idle'] as const;

/** The end of a sentence on viewers that this version has not. */
export const notCarriedOut = `are not carried out by this version; ${protocols.slice(0, -1).join(', ')} and ${protocols.at(-1)} are`;

/** Words of scenarios to come, by where they would stand: refused with a sentence, because ignoring them would be a lie. */
export const planned: Readonly<Record<string, string>> = {
  whep: `viewers of the protocol "whep" ${notCarriedOut}`,
};
