import type { MultivariantPlaylist, Rendition, Variant } from './multivariant-playlist.ts';

export type WrittenMultivariant = Pick<
  MultivariantPlaylist,
  'independentSegments' | 'variants' | 'renditions'
>;

/** The text of a multivariant playlist (RFC 8216bis, 4.4.6), the counterpart of `parseMultivariantPlaylist`. */
export function writeMultivariantPlaylist({
  independentSegments,
  variants,
  renditions,
}: WrittenMultivariant): string {
  const lines = ['#EXTM3U', '#EXT-X-VERSION:4'];
  if (independentSegments) lines.push('#EXT-X-INDEPENDENT-SEGMENTS');
  for (const rendition of renditions) lines.push(renditionLine(rendition));
  for (const variant of variants) lines.push(variantLine(variant), variant.url);
  return `${lines.join('\n')}\n`;
}

function variantLine(variant: Variant): string {
  const { bandwidth, averageBandwidth, codecs, width, height, frameRate, audio, video, subtitles } = variant;
  const said = [
    `BANDWIDTH=${bandwidth}`,
    averageBandwidth !== null && `AVERAGE-BANDWIDTH=${averageBandwidth}`,
    codecs.length > 0 && `CODECS="${codecs.join(',')}"`,
    width !== null && height !== null && `RESOLUTION=${width}x${height}`,
    frameRate !== null && `FRAME-RATE=${frameRate.toFixed(3)}`,
    audio !== null && `AUDIO="${audio}"`,
    video !== null && `VIDEO="${video}"`,
    subtitles !== null && `SUBTITLES="${subtitles}"`,
  ];
  return `#EXT-X-STREAM-INF:${said.filter((attribute) => attribute !== false).join(',')}`;
}

function renditionLine(rendition: Rendition): string {
  const { type, groupId, name, url, language, isDefault, autoselect, channels } = rendition;
  const said = [
    `TYPE=${type.toUpperCase()}`,
    `GROUP-ID="${groupId}"`,
    `NAME="${name}"`,
    language !== null && `LANGUAGE="${language}"`,
    isDefault && 'DEFAULT=YES',
    (autoselect || isDefault) && 'AUTOSELECT=YES',
    channels !== null && `CHANNELS="${channels}"`,
    url !== null && `URI="${url}"`,
  ];
  return `#EXT-X-MEDIA:${said.filter((attribute) => attribute !== false).join(',')}`;
}
