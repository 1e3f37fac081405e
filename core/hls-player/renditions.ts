import type { MultivariantPlaylist, Rendition, Variant } from '../hls/multivariant-playlist.ts';

/** What of a multivariant playlist a viewer would choose from. */
export interface RenditionCap {
  readonly maxHeight?: number;
  readonly maxBps?: number;
}

/** One variant, with the name that it has as the tag `rendition`: `720p`, or `1200k` where it says no height. */
export interface Level {
  readonly variant: Variant;
  readonly name: string;
  readonly bps: number;
}

/** More levels than this are named `other`: the tag must stay bounded. */
const MAX_NAMES = 32;

/**
 * The variants to choose from, lowest bit rate first (hls.js sorts so); at least one: a cap that allows none leaves the lowest.
 * Variants of sound alone are left out where there are pictures, as hls.js does. Of several with one URL, height and bit rate (redundant
 * ones, or those of other audio groups) the first counts.
 */
export function levelsOf(playlist: MultivariantPlaylist, cap: RenditionCap = {}): Level[] {
  const pictured = playlist.variants.filter(hasPictures);
  const sorted = (pictured.length > 0 ? pictured : playlist.variants)
    .slice()
    .sort((a, b) => a.bandwidth - b.bandwidth || (a.height ?? 0) - (b.height ?? 0));
  const distinct = sorted.filter(
    (variant, at) =>
      at === 0 ||
      variant.bandwidth !== sorted[at - 1]!.bandwidth ||
      variant.height !== sorted[at - 1]!.height ||
      variant.frameRate !== sorted[at - 1]!.frameRate,
  );
  const { maxHeight = Number.POSITIVE_INFINITY, maxBps = Number.POSITIVE_INFINITY } = cap;
  const allowed = distinct.filter(
    ({ height, bandwidth }) => (height ?? 0) <= maxHeight && bandwidth <= maxBps,
  );
  const chosen = allowed.length > 0 ? allowed : distinct.slice(0, 1);
  return nameLevels(chosen);
}

/** The separate sound that goes with a variant: the group's default, or its first; null if the sound is in the variant's own stream. */
export function audioOf(playlist: MultivariantPlaylist, variant: Variant): Rendition | null {
  if (variant.audio === null) return null;
  const group = playlist.renditions.filter(
    ({ type, groupId }) => type === 'audio' && groupId === variant.audio,
  );
  const chosen = group.find(({ isDefault }) => isDefault) ?? group[0];
  return chosen?.url == null || chosen.url === variant.url ? null : chosen;
}

function hasPictures({ width, height, codecs }: Variant): boolean {
  if (width !== null || height !== null || codecs.length === 0) return true;
  return codecs.some((codec) => /^(avc|hvc1|hev1|dvh|vp0?[89]|av01|mp4v)/i.test(codec));
}

function nameLevels(variants: readonly Variant[]): Level[] {
  const heights = variants.map(({ height }) => height);
  return variants.map((variant, at) => {
    const { height, bandwidth } = variant;
    const isOnly = height !== null && heights.indexOf(height) === heights.lastIndexOf(height);
    const rate = `${Math.round(bandwidth / 1000)}k`;
    const name = height === null ? rate : isOnly ? `${height}p` : `${height}p-${rate}`;
    return { variant, name: at < MAX_NAMES ? name : 'other', bps: bandwidth };
  });
}
