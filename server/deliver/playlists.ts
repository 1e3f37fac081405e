/** Playlists as they are sent: with the signature of who asks in each address. */
import { skippable, type WrittenPlaylist, writeMediaPlaylist } from '../../core/hls/write-media-playlist.ts';
import { writeMultivariantPlaylist } from '../../core/hls/write-multivariant-playlist.ts';
import type { Delivery } from './delivery.ts';
import type { LiveStream } from './live-stream.ts';
import type { Rendition } from './rendition.ts';

/** What of a request's query goes on to what a playlist names: the signature, and nothing a viewer made up. */
export function carriedQuery(query: URLSearchParams): string {
  const sign = query.get('sign');
  return sign === null || !/^[0-9a-f-]{1,64}$/.test(sign) ? '' : `?sign=${sign}`;
}

/** Stands where each address has its query, so that one text serves all signatures. */
const QUERY_MARK = '\u0001';

interface Shown {
  readonly playlist: WrittenPlaylist;
  readonly reports: string;
  whole: string | null;
  delta: string | null;
}

export class MediaPlaylists {
  readonly #shown = new WeakMap<Rendition, Shown>();

  /** Null before there is a segment. @param skip a delta update is wanted */
  text(rendition: Rendition, others: readonly LiveStream[], skip: boolean, query: string): string | null {
    const playlist = rendition.playlist();
    if (playlist === null) return null;
    const renditionReports = reportsOf(rendition, others);
    const reports = JSON.stringify(renditionReports);
    let shown = this.#shown.get(rendition);
    if (shown?.playlist !== playlist || shown.reports !== reports) {
      shown = { playlist, reports, whole: null, delta: null };
      this.#shown.set(rendition, shown);
    }
    const marked = () => withMarks({ ...playlist, renditionReports });
    if (skip) shown.delta ??= writeMediaPlaylist(marked(), skippable(playlist));
    else shown.whole ??= writeMediaPlaylist(marked());
    return (skip ? shown.delta! : shown.whole!).replaceAll(QUERY_MARK, query);
  }
}

function withMarks(playlist: WrittenPlaylist): WrittenPlaylist {
  const mark = <T extends { readonly url: string | null }>(named: T): T =>
    named.url === null ? named : { ...named, url: named.url + QUERY_MARK };
  // The writer knows a map again by its address: each gets the same mark, so that holds.
  const markAll = <
    T extends {
      readonly url: string;
      readonly map: { readonly url: string } | null;
      readonly key: { readonly url: string | null } | null;
    },
  >(
    item: T,
  ): T => ({ ...mark(item), map: item.map && mark(item.map), key: item.key && mark(item.key) });
  return {
    ...playlist,
    segments: playlist.segments.map((segment) => ({
      ...markAll(segment),
      parts: segment.parts.map(markAll),
    })),
    parts: playlist.parts.map(markAll),
    preloadHints: playlist.preloadHints.map(mark),
    renditionReports: playlist.renditionReports.map(mark),
  };
}

/** EXT-X-RENDITION-REPORT: how far the other variants are (4.4.5.4). */
function reportsOf(rendition: Rendition, others: readonly LiveStream[]): WrittenPlaylist['renditionReports'] {
  if (rendition.playlist()?.partTargetMs == null) return [];
  return others.flatMap(({ name, renditions }) => {
    const other = renditions.get(rendition.container);
    if (other?.playlist()?.partTargetMs == null) return [];
    const { packager } = other;
    const isBetween = packager.openParts === 0;
    const lastSequence = packager.openSequence - (isBetween ? 1 : 0);
    const parts = isBetween ? (packager.segment(lastSequence)?.parts.length ?? 1) : packager.openParts;
    const url = `../${name.slice(name.indexOf('/') + 1)}/${rendition.container}.m3u8`;
    return [{ url, lastSequence, lastPart: parts - 1 }];
  });
}

/** Source and rungs, as far as they have a segment; null: not even the source has. */
export function multivariantText(delivery: Delivery, source: LiveStream, query: string): string | null {
  const variants = [source, ...delivery.rungs(source.name)].flatMap((stream) => {
    const [rendition] = stream.renditions.values();
    const bandwidth = rendition?.bandwidth() ?? null;
    if (rendition === undefined || bandwidth === null) return [];
    return [
      {
        url: `${stream.name.slice(stream.name.indexOf('/') + 1)}/index.m3u8${query}`,
        bandwidth: bandwidth.peak,
        averageBandwidth: bandwidth.average,
        ...stream.facts(rendition.container),
        frameRate: stream.fps,
        audio: null,
        video: null,
        subtitles: null,
        pathway: '.',
        score: null,
      },
    ];
  });
  return variants.length === 0
    ? null
    : writeMultivariantPlaylist({ independentSegments: true, variants, renditions: [] });
}
