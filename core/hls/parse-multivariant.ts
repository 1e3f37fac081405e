import { ProtocolError } from '../media.ts';
import { tooLarge } from './limits.ts';
import { type Line, readLines } from './lines.ts';
import type { MultivariantPlaylist, Rendition, Variant } from './multivariant-playlist.ts';
import { PlaylistContext, type PlaylistOptions } from './playlist-context.ts';

const RENDITION_TYPES: Readonly<Record<string, Rendition['type']>> = {
  AUDIO: 'audio',
  VIDEO: 'video',
  SUBTITLES: 'subtitles',
  'CLOSED-CAPTIONS': 'closed-captions',
};
/** 4.4.6.2: the pathway of a variant that names none. */
const DEFAULT_PATHWAY = '.';

/**
 * Reads a multivariant playlist (RFC 8216bis, 4.4.6). What players put up with becomes a violation.
 * Throws a `ProtocolError`: `HLS_NOT_A_PLAYLIST`, `HLS_NOT_MULTIVARIANT`, a limit (as `parseMediaPlaylist`, and `HLS_TOO_MANY_VARIANTS`), `HLS_URL`,
 * `HLS_VARIABLE_…`, or `HLS_SELF_REFERENCE` if its variants are all the playlist itself.
 */
export function parseMultivariantPlaylist(text: string, options: PlaylistOptions): MultivariantPlaylist {
  const context = new PlaylistContext(options);
  const variants: Variant[] = [];
  const iFrameVariants: Variant[] = [];
  const renditions: Rendition[] = [];
  let steering: MultivariantPlaylist['steering'] = null;
  let pending: Line | null = null;
  let selfReferences = 0;

  const add = <T>(list: T[], item: T): void => {
    const { maxVariants } = context.limits;
    if (list.length >= maxVariants) throw tooLarge('HLS_TOO_MANY_VARIANTS', 'variants', maxVariants, 'more');
    list.push(item);
  };
  const addVariant = (list: Variant[], described: Line, uri: string, line: number): void => {
    const variant = readVariant(context, described, context.absolute(uri, line));
    if (variant.url !== context.url) {
      add(list, variant);
      return;
    }
    selfReferences++;
    context.malformed(line, 'expected a media playlist, got the URL of this one');
  };

  readLines(text, context.limits, context.violations, (line) => {
    const { tag, value, number } = line;
    if (pending !== null && tag !== null) {
      context.malformed(pending.number, 'expected a URI in the line after EXT-X-STREAM-INF');
      pending = null;
    }
    switch (tag) {
      case null:
        if (pending === null) context.malformed(number, 'expected EXT-X-STREAM-INF before a URI');
        else addVariant(variants, pending, context.variables.replace(value, number), number);
        pending = null;
        break;
      case 'EXT-X-STREAM-INF':
        pending = line;
        break;
      case 'EXT-X-I-FRAME-STREAM-INF': {
        const uri = context.attributes(line).required('URI');
        if (uri !== null) addVariant(iFrameVariants, line, uri, number);
        break;
      }
      case 'EXT-X-MEDIA': {
        const rendition = readRendition(context, line);
        if (rendition !== null) add(renditions, rendition);
        break;
      }
      case 'EXT-X-CONTENT-STEERING': {
        const attributes = context.attributes(line);
        const uri = attributes.required('SERVER-URI');
        const pathway = attributes.text('PATHWAY-ID') ?? DEFAULT_PATHWAY;
        if (uri !== null) steering = { url: context.absolute(uri, number), pathway };
        break;
      }
      case 'EXTINF':
      case 'EXT-X-TARGETDURATION':
      case 'EXT-X-MEDIA-SEQUENCE':
        throw new ProtocolError(
          'HLS_NOT_MULTIVARIANT',
          `expected a multivariant playlist, got ${tag} in line ${number}`,
        );
      default:
        context.readCommon(line);
    }
  });
  if (pending !== null) context.malformed(0, 'expected a URI after the last EXT-X-STREAM-INF');
  if (variants.length === 0 && selfReferences > 0) {
    throw new ProtocolError('HLS_SELF_REFERENCE', 'expected variants, got a playlist that names only itself');
  }
  return {
    kind: 'multivariant',
    url: context.url,
    version: context.version,
    independentSegments: context.independentSegments,
    start: context.start,
    variants,
    iFrameVariants,
    renditions,
    steering,
    variables: context.variables.values,
    violations: context.violations.list,
  };
}

function readVariant(context: PlaylistContext, line: Line, url: string): Variant {
  const attributes = context.attributes(line);
  const resolution = attributes.resolution('RESOLUTION');
  const bandwidth = attributes.integer('BANDWIDTH');
  if (bandwidth === null) context.malformed(line.number, 'expected BANDWIDTH, got none');
  return {
    url,
    bandwidth: bandwidth ?? 0,
    averageBandwidth: attributes.integer('AVERAGE-BANDWIDTH'),
    codecs: (attributes.text('CODECS') ?? '').split(',').flatMap((codec) => codec.trim() || []),
    width: resolution?.width ?? null,
    height: resolution?.height ?? null,
    frameRate: attributes.decimal('FRAME-RATE'),
    audio: attributes.text('AUDIO'),
    video: attributes.text('VIDEO'),
    subtitles: attributes.text('SUBTITLES'),
    pathway: attributes.text('PATHWAY-ID') ?? DEFAULT_PATHWAY,
    score: attributes.decimal('SCORE'),
  };
}

/** 4.4.6.1; null and a violation if it is of no use. */
function readRendition(context: PlaylistContext, line: Line): Rendition | null {
  const attributes = context.attributes(line);
  const type = RENDITION_TYPES[attributes.required('TYPE') ?? ''];
  const groupId = attributes.required('GROUP-ID');
  const name = attributes.required('NAME');
  const uri = attributes.text('URI');
  if (type === undefined || groupId === null) return null;
  return {
    type,
    groupId,
    name: name ?? '',
    url: uri === null ? null : context.absolute(uri, line.number),
    language: attributes.text('LANGUAGE'),
    isDefault: attributes.flag('DEFAULT'),
    autoselect: attributes.flag('AUTOSELECT') || attributes.flag('DEFAULT'),
    channels: attributes.text('CHANNELS'),
  };
}
