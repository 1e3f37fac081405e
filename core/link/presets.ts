import { type LinkProfile, unlimited } from './profile.ts';

/**
 * Links by name. The numbers are WebPageTest's (`connectivity.ini.sample`), which browsers' developer tools and Lighthouse
 * follow for mobile networks; its round-trip times are halved here, because a delay is one way. No loss, no jitter.
 */
export const linkPresets = {
  edge: preset(240, 200, 840),
  '2g': preset(280, 256, 800),
  '3g-slow': preset(400, 400, 400),
  '3g': preset(1_600, 768, 300),
  '3g-fast': preset(1_600, 768, 150),
  '4g': preset(9_000, 9_000, 170),
  lte: preset(12_000, 12_000, 70),
  dsl: preset(1_500, 384, 50),
  cable: preset(5_000, 1_000, 28),
  fios: preset(20_000, 5_000, 4),
} as const satisfies Record<string, LinkProfile>;

export type LinkPreset = keyof typeof linkPresets;

function preset(downKbps: number, upKbps: number, roundTripMs: number): LinkProfile {
  return { ...unlimited, downBps: downKbps * 1_000, upBps: upKbps * 1_000, delayMs: roundTripMs / 2 };
}
