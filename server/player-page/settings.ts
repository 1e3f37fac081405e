/** What the server tells the page: it is written into the page as JSON. */
export interface PageSettings {
  /** Where HTTP-FLV and WS-FLV are: a whole origin, or a port on the host that the page came from. */
  readonly flv: { readonly url: string } | { readonly port: number };
  /** The origin of HLS; null: the page's own. */
  readonly hlsUrl: string | null;
  /** Gives the streams as JSON; null: there is no list, names are typed. */
  readonly streamsUrl: string | null;
}

export type Protocol = 'http-flv' | 'ws-flv' | 'hls' | 'whep';

/** In the order of the page. */
export const protocols: readonly Protocol[] = ['http-flv', 'ws-flv', 'hls', 'whep'];

/** Shown, but not to be chosen: the server does not have them. */
export const absentProtocols: readonly Protocol[] = ['whep'];
